using Akka.Actor;
using Akka.Event;

using SplitFrozen.Cli.Tests.Support;
using SplitFrozen.Domain.Runs;

namespace SplitFrozen.Cli.Tests.Commands;

public sealed class DeviceCommandSpecs : IDisposable
{
    private static readonly TimeSpan RemainingTime = TimeSpan.FromSeconds(20);
    private readonly ProgramUnderTest _program = new();

    public void Dispose() => _program.Dispose();

    [Fact]
    public async Task Should_host_the_device_that_is_named_until_the_run_is_over()
    {
        Assert.Equal(ExitCode.Done, await _program.RunAsync("device", "--id", "phone-3", "--set", "splitfrozen.device.partition=2"));

        Assert.Equal(("phone-3", 2), (_program.Composition.Opened!.Device.Id, _program.Composition.Opened.Device.Partition));
        Assert.Equal("phone-3", _program.Composition.Opened.Device.Profile.Name);
        Assert.Contains("The run is over.", _program.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Should_hold_stages_for_the_main_server_that_is_named()
    {
        Assert.Equal(ExitCode.Done, await _program.RunAsync("server", "--join", "10.0.0.5:4053", "--set", "splitfrozen.server.profile.name=second"));

        Assert.True(_program.Composition.HoldsStages);
        Assert.Equal(["10.0.0.5:4053"], _program.Composition.Opened!.Cluster.SeedNodes);
        Assert.Equal((0, "second"), (_program.Composition.Opened.Cluster.Port, _program.Composition.Opened.Server.Profile.Name));
        Assert.Contains("second joins 10.0.0.5:4053", _program.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Should_refuse_to_join_what_is_no_address()
    {
        Assert.Equal(ExitCode.BadInput, await _program.RunAsync("server", "--join", "here"));

        Assert.Contains("splitfrozen.cluster.seed-nodes = here", _program.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Should_leave_in_order_when_asked()
    {
        _program.Composition.OnDevice = async (_, stop) =>
        {
            _program.Stop.Request();
            var stopped = new TaskCompletionSource();
            await using var registration = stop.Register(stopped.SetResult);
            await stopped.Task;
        };

        Assert.Equal(ExitCode.Stopped, await _program.RunAsync("device"));
    }

    [Fact]
    public async Task Should_tell_that_no_server_answered()
    {
        _program.Composition.OnDevice = (_, _) => throw new RunFailedException(RunFailure.NotStarted, "No server answered.");

        Assert.Equal(ExitCode.NotStarted, await _program.RunAsync("device"));

        Assert.Contains("No server answered.", _program.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Should_show_what_its_actors_say_and_not_what_akka_says_of_itself()
    {
        _program.Composition.OnDevice = async (akka, stop) =>
        {
            using var system = ActorSystem.Create("device", akka);
            Akka.Event.Logging.GetLogger(system, this).Warning("the link is slow");
            system.Log.Warning("words of Akka's own");

            // Answered in turn: the lines before are written then, which the end of a system does not wait for.
            await system.ActorSelection("/system/log*").Ask<LoggerInitialized>(new InitializeLogger(system.EventStream), RemainingTime, stop);
            await system.Terminate();
        };

        await _program.RunAsync("device");

        Assert.Contains("the link is slow", _program.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("Akka's own", _program.Output, StringComparison.Ordinal);
    }
}
