using System.Text.Json.Nodes;

using SplitFrozen.Cli.Runs;
using SplitFrozen.Cli.Tests.Support;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Runs;

namespace SplitFrozen.Cli.Tests.Commands;

/// <summary>What `train --resume` and `server --resume` accept, refuse and leave.</summary>
public sealed class ResumeSpecs : IDisposable
{
    private readonly ProgramUnderTest _program = new();

    public void Dispose() => _program.Dispose();

    [Fact]
    public async Task Should_go_on_in_the_folder_with_its_configuration()
    {
        var run = await StopAsync("--seed", "9", "--set", "splitfrozen.training.epochs=3");
        _program.Composition.OnRun = host =>
        {
            Assert.True(host.Resumes);
            Assert.Equal(run, host.Paths.Folder);
            host.Observer.On(new RunEvent.Resumed(2, 0, 2));
            host.Observer.On(new RunEvent.StepDone(0, 2, new TargetScore(1, 1, 1), 1, 1e-3, 3, 0));
            return Task.FromResult(Examples.Summary());
        };

        Assert.Equal(ExitCode.Done, await _program.RunAsync("train", "--resume", run, "--set", "splitfrozen.training.checkpoint-steps=7"));

        var settings = _program.Composition.Opened!.Training;
        Assert.Equal((9L, 3, 7), (settings.Seed, settings.Epochs, settings.CheckpointSteps));
        Assert.Equal([0, 1, 2], Steps(run));
        Assert.True(JsonNode.Parse(File.ReadAllText(Path.Combine(run, "summary.json")))!["completed"]!.GetValue<bool>());
        Assert.Contains("checkpoint-steps = 7", File.ReadAllText(Path.Combine(run, "config.conf")), StringComparison.Ordinal);
        Assert.Contains("after step 2, in epoch 1", _program.Output, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(run, "run.lock")));
    }

    [Theory]
    [InlineData("splitfrozen.training.seed=2", "splitfrozen.training.seed was 1 and is 2")]
    [InlineData("splitfrozen.training.threads=2", "splitfrozen.training.threads was 1 and is 2")]
    [InlineData("splitfrozen.pipeline.grant-batches=4", "splitfrozen.pipeline.grant-batches was 8 and is 4")]
    [InlineData("splitfrozen.lora.targets=[c_attn]", "splitfrozen.lora.targets was auto and is [c_attn]")]
    [InlineData("splitfrozen.store.codec=int8", "splitfrozen.store.codec was fp32 and is int8")]
    public async Task Should_refuse_what_would_change_the_result(string setting, string expected)
    {
        var run = await StopAsync();

        Assert.Equal(ExitCode.BadInput, await _program.RunAsync("train", "--resume", run, "--set", setting, "--set", "splitfrozen.training.epochs=6"));

        Assert.Contains(expected, _program.Error, StringComparison.Ordinal);
        Assert.Contains("splitfrozen.training.epochs was 5 and is 6", _program.Error, StringComparison.Ordinal);
        Assert.Equal([0, 1, 2, 3], Steps(run));
    }

    [Theory]
    [InlineData("splitfrozen.channel.port=7001")]
    [InlineData("splitfrozen.nodes=[{ name = other }]")]
    [InlineData("splitfrozen.start.limit=5m")]
    [InlineData("splitfrozen.store.mode=disk")]
    [InlineData("splitfrozen.pipeline.stages=2")]
    [InlineData("splitfrozen.model.path=/elsewhere")]
    public async Task Should_accept_what_changes_nothing_in_the_result(string setting)
    {
        var run = await StopAsync();

        Assert.Equal(ExitCode.Done, await _program.RunAsync("train", "--resume", run, "--set", setting));
    }

    [Fact]
    public async Task Should_refuse_another_model_or_other_data()
    {
        var run = await StopAsync();
        _program.Composition.Identity = _program.Composition.Identity with { Model = "another" };

        Assert.Equal(ExitCode.BadInput, await _program.RunAsync("server", "--resume", run));

        Assert.Contains("fingerprint another, not model-a", _program.Error, StringComparison.Ordinal);
        Assert.Contains("splitfrozen.model.path", _program.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Should_refuse_a_run_of_another_program()
    {
        var run = await StopAsync();
        var versions = Path.Combine(run, "versions.json");
        File.WriteAllText(versions, File.ReadAllText(versions).Replace("torch 1", "torch 0", StringComparison.Ordinal));

        Assert.Equal(ExitCode.BadInput, await _program.RunAsync("train", "--resume", run));

        Assert.Contains("version torch 0 of the native library, and this is torch 1", _program.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Should_refuse_what_is_no_run_to_resume()
    {
        Assert.Equal(ExitCode.BadInput, await _program.RunAsync("train", "--resume", _program.At("nowhere")));
        Assert.Contains("does not exist", _program.Error, StringComparison.Ordinal);

        Directory.CreateDirectory(_program.At("empty"));
        Assert.Equal(ExitCode.BadInput, await _program.RunAsync("train", "--resume", _program.At("empty")));
        Assert.Contains("it has no config.conf", _program.Error, StringComparison.Ordinal);

        var finished = _program.At("finished");
        await _program.RunAsync("train", "--run", finished);
        Assert.Equal(ExitCode.BadInput, await _program.RunAsync("train", "--resume", finished));
        Assert.Contains("is finished; there is nothing to resume", _program.Error, StringComparison.Ordinal);

        var alone = await StopAsync("--method", "cenlora");
        Assert.Equal(ExitCode.BadInput, await _program.RunAsync("train", "--resume", alone));
        Assert.Contains("A run of the method cenlora cannot be resumed", _program.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Should_refuse_a_run_that_another_process_writes()
    {
        var run = await StopAsync();
        using var other = RunLock.Take(run);

        Assert.Equal(ExitCode.BadInput, await _program.RunAsync("train", "--resume", run));

        Assert.Contains("is being written by another process", _program.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Should_keep_the_folder_where_devices_do_not_come_back()
    {
        var run = await StopAsync();
        _program.Composition.OnRun = _ => throw new RunFailedException(RunFailure.NotStarted, "Only 1 of 4 devices joined.");

        Assert.Equal(ExitCode.NotStarted, await _program.RunAsync("server", "--resume", run));

        Assert.Equal([0, 1, 2, 3], Steps(run));
    }

    private static IEnumerable<int> Steps(string run) =>
        File.ReadAllLines(Path.Combine(run, "metrics.jsonl")).Select(l => JsonNode.Parse(l)!)
            .Where(e => e["event"]!.GetValue<string>() == "step_done").Select(e => e["step"]!.GetValue<int>());

    /// <summary>A run that was stopped in order after four steps.</summary>
    private async Task<string> StopAsync(params string[] more)
    {
        var run = _program.At($"run-{Guid.NewGuid():N}");
        _program.Composition.OnRun = host =>
        {
            var summary = Examples.Summary(completed: false);
            Examples.Run(summary).ToList().ForEach(host.Observer.On);
            return Task.FromResult(summary);
        };
        Assert.Equal(ExitCode.Stopped, await _program.RunAsync(["train", "--run", run, .. more]));
        _program.Composition.OnRun = host => Task.FromResult(Examples.Summary());
        return run;
    }
}
