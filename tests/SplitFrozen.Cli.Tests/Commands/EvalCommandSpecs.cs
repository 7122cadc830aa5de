using System.Text.Json.Nodes;

using SplitFrozen.Cli.Tests.Support;

namespace SplitFrozen.Cli.Tests.Commands;

public sealed class EvalCommandSpecs : IDisposable
{
    private readonly ProgramUnderTest _program = new();

    public void Dispose() => _program.Dispose();

    [Fact]
    public async Task Should_score_a_run_under_the_runs_own_configuration()
    {
        var run = await RunAsync(withAdapter: true);

        Assert.Equal(ExitCode.Done, await _program.RunAsync("eval", run));

        Assert.Equal(9, _program.Composition.Opened!.Training.Seed);
        Assert.Contains("0.800", _program.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Should_print_nothing_but_json_when_asked()
    {
        using var fresh = new ProgramUnderTest();
        var run = await RunAsync(withAdapter: true);

        Assert.Equal(ExitCode.Done, await fresh.RunAsync("eval", run, "--json"));

        var score = JsonNode.Parse(fresh.Output)!;
        Assert.Equal(("test", 0.8, 0.75), (score["evaluation_split"]!.GetValue<string>(), score["accuracy"]!.GetValue<double>(), score["loss"]!.GetValue<double>()));
        Assert.Null(score["validation_accuracy"]);
    }

    [Fact]
    public async Task Should_say_that_a_folder_is_no_run()
    {
        Assert.Equal(ExitCode.BadInput, await _program.RunAsync("eval", _program.At("nothing")));

        Assert.Contains("is not a run's folder", _program.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Should_say_that_a_run_has_no_adapter()
    {
        var run = await RunAsync(withAdapter: false);

        Assert.Equal(ExitCode.BadInput, await _program.RunAsync("eval", run));

        Assert.Contains("has no adapter", _program.Error, StringComparison.Ordinal);
    }

    private async Task<string> RunAsync(bool withAdapter)
    {
        await _program.TrainAsync("--seed", "9");
        var run = _program.RunFolders[0];
        if (withAdapter)
        {
            Directory.CreateDirectory(Path.Combine(run, "adapter"));
        }

        return run;
    }
}
