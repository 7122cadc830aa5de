using Akka.Actor;
using Akka.Event;

using SplitFrozen.Cli.Tests.Support;
using SplitFrozen.Domain.Runs;

namespace SplitFrozen.Cli.Tests.Commands;

public sealed class DeviceCommandSpecs : IDisposable
{
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
    public async Task Should_show_warnings_of_its_actors_and_no_chatter()
    {
        _program.Composition.OnDevice = async (akka, _) =>
        {
            using var system = ActorSystem.Create("device", akka);
            system.Log.Warning("the link is slow");
            system.Log.Info("chatter");
            await system.Terminate();
        };

        await _program.RunAsync("device");

        Assert.Contains("the link is slow", _program.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("chatter", _program.Output, StringComparison.Ordinal);
    }
}
