using System.Text.Json.Nodes;

using SplitFrozen.Cli.Composing;
using SplitFrozen.Cli.Tests.Support;
using SplitFrozen.Domain.Evaluation;
using SplitFrozen.Domain.Models;
using SplitFrozen.Protocol;

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
    public async Task Should_show_f1_and_the_confusion_matrix_of_a_classification()
    {
        using var json = new ProgramUnderTest();
        var confusion = ConfusionMatrix.Of([1, 1, 1, 0], [1, 1, 0, 1], 2);
        var score = new AdapterScore("test", new TargetScore(3, 4, 2) { Confusion = confusion }, "none", null) { Labels = ["no", "yes"] };
        (_program.Composition.Scored, json.Composition.Scored) = (score, score);
        var run = await RunAsync(withAdapter: true);

        Assert.Equal(ExitCode.Done, await _program.RunAsync("eval", run));
        Assert.Equal(ExitCode.Done, await json.RunAsync("eval", run, "--json"));

        Assert.Contains("F1 of yes", _program.Output, StringComparison.Ordinal);
        Assert.Contains("0.667", _program.Output, StringComparison.Ordinal);
        var figures = JsonNode.Parse(json.Output)!;
        Assert.Equal(2.0 / 3, figures["f1"]!.GetValue<double>(), 12);
        Assert.Equal("[[0,1],[1,2]]", figures["confusion_matrix"]!.ToJsonString());
        Assert.Equal("""["no","yes"]""", figures["labels"]!.ToJsonString());
        Assert.Null(figures["perplexity"]);
        Assert.Null(figures["exact_match"]);
    }

    [Fact]
    public async Task Should_name_the_labels_most_often_taken_for_others_where_there_are_many()
    {
        var confusion = ConfusionMatrix.Of([7, 7, 3], [8, 8, 3], 10);
        _program.Composition.Scored = new AdapterScore("test", new TargetScore(3, 3, 1) { Confusion = confusion }, "none", null)
        {
            Labels = [.. Enumerable.Range(0, 10).Select(i => $"label{i}")],
        };

        Assert.Equal(ExitCode.Done, await _program.RunAsync("eval", await RunAsync(withAdapter: true)));

        Assert.Contains("2 × label7 taken for label8", _program.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Should_show_perplexity_and_exact_match_of_a_language_model()
    {
        using var json = new ProgramUnderTest();
        var score = new AdapterScore("test", new TargetScore(200, 100, 40), "none", null) { Task = TaskKind.LanguageModel };
        (_program.Composition.Scored, _program.Composition.Answered) = (score, new ExactMatchScore(3, 12));
        (json.Composition.Scored, json.Composition.Answered) = (score, new ExactMatchScore(3, 12));
        var run = await RunAsync(withAdapter: true);

        Assert.Equal(ExitCode.Done, await _program.RunAsync("eval", run, "--set", "splitfrozen.evaluation.exact-match-limit=12"));
        Assert.Equal(ExitCode.Done, await json.RunAsync("eval", run, "--json"));

        Assert.Equal((12, 9L), (_program.Composition.Opened!.Evaluation.ExactMatchLimit, _program.Composition.Opened.Training.Seed));
        Assert.Contains("Perplexity", _program.Output, StringComparison.Ordinal);
        Assert.Contains("7.389", _program.Output, StringComparison.Ordinal);
        Assert.Contains("3 of 12", _program.Output, StringComparison.Ordinal);
        var figures = JsonNode.Parse(json.Output)!;
        Assert.Equal((0.25, 12), (figures["exact_match"]!.GetValue<double>(), figures["exact_match_rows"]!.GetValue<int>()));
        Assert.Equal(Math.Exp(2), figures["perplexity"]!.GetValue<double>(), 12);
        Assert.Null(figures["f1"]);
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
