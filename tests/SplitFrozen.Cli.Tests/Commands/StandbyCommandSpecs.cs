using SplitFrozen.Cli.Tests.Support;
using SplitFrozen.Domain.Runs;

namespace SplitFrozen.Cli.Tests.Commands;

/// <summary>A run that a standby server may take over: its lease, and what `server --standby` refuses.</summary>
public sealed class StandbyCommandSpecs : IDisposable
{
    private const string On = "splitfrozen.cluster.standby=on";

    private readonly ProgramUnderTest _program = new();

    public void Dispose() => _program.Dispose();

    [Fact]
    public async Task Should_hold_the_lease_while_it_runs_and_give_it_up_at_the_end()
    {
        var run = _program.At("run");
        _program.Composition.OnRun = host =>
        {
            Assert.True(host.Lease!.IsHeld);
            using var other = Lease(run);
            Assert.Equal(LeaseState.Held, other.Look().State);
            Assert.False(other.TryTake());
            return Task.FromResult(Examples.Summary(completed: false));
        };

        Assert.Equal(ExitCode.Stopped, await _program.RunAsync("server", "--run", run, "--set", On));

        using var later = Lease(run);
        Assert.Equal(LeaseState.Released, later.Look().State);
        Assert.False(File.Exists(Path.Combine(run, "run.lock")));
        _program.Composition.OnRun = host => Task.FromResult(Examples.Summary());
        Assert.Equal(ExitCode.Done, await _program.RunAsync("server", "--resume", run));
        Assert.Equal(2, later.Look().Token);
    }

    [Fact]
    public async Task Should_have_no_lease_where_no_standby_is_expected()
    {
        var run = _program.At("run");
        _program.Composition.OnRun = host =>
        {
            Assert.Null(host.Lease);
            return Task.FromResult(Examples.Summary());
        };

        Assert.Equal(ExitCode.Done, await _program.RunAsync("server", "--run", run));
        Assert.False(Directory.Exists(Path.Combine(run, "lease")));
    }

    [Theory]
    [InlineData(RunFailure.TakenOver, 7)]
    [InlineData(RunFailure.NotStarted, 3)]
    [InlineData(null, 7)]
    public async Task Should_write_nothing_once_it_was_taken_over(RunFailure? failure, int code)
    {
        var run = _program.At("run");
        _program.Composition.OnRun = host =>
        {
            Directory.Move(host.Lease!.Gate, host.Lease.Gate + ".closed");
            return failure is { } kind ? throw new RunFailedException(kind, "it was stopped") : Task.FromResult(Examples.Summary());
        };

        Assert.Equal((ExitCode)code, await _program.RunAsync("server", "--run", run, "--set", On));

        using var other = Lease(run);
        Assert.Equal(LeaseState.Free, other.Look().State);
        Assert.True(File.Exists(Path.Combine(run, "config.conf")));
        Assert.False(File.Exists(Path.Combine(run, "summary.json")));
    }

    [Theory]
    [InlineData(RunFailure.Broken, LeaseState.Released)]
    [InlineData(RunFailure.ServerLost, LeaseState.Held)]
    public async Task Should_let_the_standby_follow_who_was_cut_off_and_not_who_decided_to_end(RunFailure failure, LeaseState left)
    {
        var run = _program.At("run");
        _program.Composition.OnRun = _ => throw new RunFailedException(failure, "it ended");

        Assert.Equal(ExitCode.TrainingFailed, await _program.RunAsync("server", "--run", run, "--set", On));

        using var other = Lease(run);
        Assert.Equal(left, other.Look().State);
    }

    [Fact]
    public async Task Should_not_resume_a_run_whose_server_renews_its_lease()
    {
        var run = await StopAsync(On);
        using var active = new RunLease(new RunPaths(run), "the other one", TimeSpan.FromMilliseconds(500), TimeProvider.System);
        Assert.True(active.TryTake());

        Assert.Equal(ExitCode.BadInput, await _program.RunAsync("server", "--resume", run, "--set", "splitfrozen.cluster.standby=off"));

        Assert.Contains("is being written by another server, the other one, which renews its lease", _program.Error, StringComparison.Ordinal);
        Assert.True(active.IsHeld);
    }

    [Fact]
    public async Task Should_refuse_to_stand_by_where_it_would_not_be_noticed_or_for_nobody()
    {
        var alone = await StopAsync("splitfrozen.training.epochs=3");
        Assert.Equal(ExitCode.BadInput, await _program.RunAsync("server", "--standby", alone));
        Assert.Contains("was begun with splitfrozen.cluster.standby = off", _program.Error, StringComparison.Ordinal);

        var run = await StopAsync(On);
        Assert.Equal(ExitCode.BadInput, await _program.RunAsync("server", "--standby", run, "--set", "splitfrozen.training.seed=7"));
        Assert.Contains("splitfrozen.training.seed was 1 and is 7", _program.Error, StringComparison.Ordinal);

        Assert.Equal(ExitCode.BadInput, await _program.RunAsync("server", "--standby", run));
        Assert.Contains("A standby server needs the active server's address. Set splitfrozen.cluster.seed-nodes", _program.Error, StringComparison.Ordinal);
    }

    private static RunLease Lease(string run) => new(new RunPaths(run), "other", TimeSpan.FromSeconds(10), TimeProvider.System, isRenewed: false);

    private async Task<string> StopAsync(string setting)
    {
        var run = _program.At($"run-{Guid.NewGuid():N}");
        _program.Composition.OnRun = _ => Task.FromResult(Examples.Summary(completed: false));
        Assert.Equal(ExitCode.Stopped, await _program.RunAsync("server", "--run", run, "--set", setting));
        return run;
    }
}
