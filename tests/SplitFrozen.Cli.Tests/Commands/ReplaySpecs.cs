using SplitFrozen.Cli.Tests.Support;

namespace SplitFrozen.Cli.Tests.Commands;

/// <summary>What `train --replay` and `server --replay` take over, accept and refuse. What a ledger must be like is looked at when the run is opened.</summary>
public sealed class ReplaySpecs : IDisposable
{
    private readonly ProgramUnderTest _program = new();

    public void Dispose() => _program.Dispose();

    [Theory]
    [InlineData("train")]
    [InlineData("server")]
    public async Task Should_train_in_a_folder_of_its_own_with_the_configuration_of_the_run(string command)
    {
        var run = await RelaxedAsync();
        var replay = _program.At("replay");

        Assert.Equal(ExitCode.Done, await _program.RunAsync(command, "--replay", run, "--run", replay, "--set", "splitfrozen.pipeline.window=5"));

        var training = _program.Composition.Opened!.Training;
        Assert.Equal((9L, 3, Path.GetFullPath(run)), (training.Seed, training.Epochs, training.Replay));
        Assert.Null(training.PutOffAfter);
        Assert.Contains($"replay = \"{Path.GetFullPath(run)}\"", File.ReadAllText(Path.Combine(replay, "config.conf")), StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(run, "summary.json")));
    }

    [Fact]
    public async Task Should_refuse_what_would_change_the_result()
    {
        var run = await RelaxedAsync();

        Assert.Equal(ExitCode.BadInput, await _program.RunAsync("train", "--replay", run, "--run", _program.At("replay"), "--set", "splitfrozen.pipeline.grant-batches=4"));
        Assert.Contains("cannot be replayed under another configuration", _program.Error, StringComparison.Ordinal);
        Assert.Contains("splitfrozen.pipeline.grant-batches was 8 and is 4", _program.Error, StringComparison.Ordinal);

        _program.Composition.Identity = _program.Composition.Identity with { Partition = "other" };
        Assert.Equal(ExitCode.BadInput, await _program.RunAsync("train", "--replay", run, "--run", _program.At("replay")));
        Assert.Contains("splitfrozen.data.path", _program.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_program.At("replay")));
    }

    [Fact]
    public async Task Should_refuse_what_is_no_run()
    {
        Assert.Equal(ExitCode.BadInput, await _program.RunAsync("train", "--replay", _program.At("nowhere")));
        Assert.Contains("There is no run to replay in", _program.Error, StringComparison.Ordinal);

        Assert.Equal(ExitCode.BadInput, await _program.RunAsync("train", "--replay", "a", "--resume", "b"));
        Assert.Contains("exclude each other", _program.Error, StringComparison.Ordinal);
    }

    private async Task<string> RelaxedAsync()
    {
        var run = _program.At("relaxed");
        Assert.Equal(ExitCode.Done, await _program.RunAsync(
            "train", "--run", run, "--seed", "9", "--set", "splitfrozen.training.epochs=3", "--set", "splitfrozen.training.put-off-after=50ms"));
        return run;
    }
}
