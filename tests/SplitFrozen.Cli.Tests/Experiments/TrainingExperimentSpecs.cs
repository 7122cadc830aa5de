using System.Text.Json.Nodes;

using SkiaSharp;

using SplitFrozen.Cli.Experiments;
using SplitFrozen.Cli.Tests.Support;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Methods.Accounting;
using SplitFrozen.Protocol;

namespace SplitFrozen.Cli.Tests.Experiments;

/// <summary>Grids of trainings, with made-up results.</summary>
public sealed class TrainingExperimentSpecs : IDisposable
{
    private readonly ProgramUnderTest _program = new();
    private readonly List<Settings> _trials = [];

    public TrainingExperimentSpecs() => _program.Composition.OnTrial = settings =>
    {
        lock (_trials)
        {
            _trials.Add(settings);
        }

        var share = 1.0 / (1 + TrainingMethods.All.ToList().IndexOf(settings.Training.Method));
        var device = new DeviceCost(new DeviceId("device-0"), 8e9 * share, 1000, 3e6, 2e6, 1e6);
        var cost = new MethodCost(settings.Training.Method == TrainingMethods.CenLora ? [] : [device], 10 * share, 1e9, new StageLoad(1, 1, 1));
        var gain = settings.Training.Method == TrainingMethods.SplitFrozen ? 0.05 : 0;
        return new TrialResult(0.01, (0.1 * settings.Training.Seed) + gain, 0.6, 1, [0.01, 0.6], cost, cost with { WallSeconds = 20 * share });
    };

    public void Dispose() => _program.Dispose();

    [Fact]
    public async Task Should_compare_the_methods_on_three_spreads()
    {
        var folder = _program.At("table2");
        Assert.Equal(ExitCode.Done, await _program.RunAsync("experiment", "table2", "--out", folder, "--json", "--seeds", "2", "--epochs", "4", "--limit", "500"));

        var rows = JsonNode.Parse(_program.Output)!.AsArray();
        Assert.Equal((12, 24), (rows.Count, _trials.Count));
        Assert.All(_trials, t => Assert.Equal((4, 500), (t.Training.Epochs, t.Data.Partition.Limit)));
        Assert.All(_trials, t => Assert.Equal(t.Training.Seed, t.Data.Partition.Seed));
        Assert.Equal([1L, 2L], _trials.Select(t => t.Training.Seed).Distinct().Order());
        var splitFrozen = rows.First(r => r!["method"]!.GetValue<string>() == "splitfrozen")!;
        Assert.Equal(0.2, splitFrozen["accuracy"]!.GetValue<double>(), 12);
        Assert.Equal(Math.Sqrt(0.005), splitFrozen["accuracy_spread"]!.GetValue<double>(), 12);
        Assert.Equal(1 - 3.0, splitFrozen["less_time"]!.GetValue<double>(), 12);
        // Of the seeds' gains over fedlora, 0.15 over 0.1 and 0.25 over 0.2, not of their means.
        Assert.Equal((0.5 + 0.25) / 2, splitFrozen["relative_accuracy"]!.GetValue<double>(), 12);
        Assert.Equal(0.25 / Math.Sqrt(2), splitFrozen["relative_accuracy_spread"]!.GetValue<double>(), 12);
        Assert.Contains("0.15 ± 0.0707", File.ReadAllText(Path.Combine(folder, "table.md")), StringComparison.Ordinal);
        Assert.Contains("accuracy,accuracy_spread", File.ReadLines(Path.Combine(folder, "table.csv")).First(), StringComparison.Ordinal);
        AssertPictures(folder, "accuracy.png", "devices.png", "time.png");
    }

    [Fact]
    public async Task Should_run_only_seeds_that_are_missing()
    {
        var folder = _program.At("codec");
        await _program.RunAsync("experiment", "codec", "--out", folder);
        _trials.Clear();

        Assert.Equal(ExitCode.Done, await _program.RunAsync("experiment", "codec", "--out", folder, "--seeds", "2"));

        Assert.Equal(4, _trials.Count);
        Assert.All(_trials, t => Assert.Equal(2, t.Training.Seed));
    }

    [Fact]
    public async Task Should_run_cells_again_that_a_program_with_other_columns_wrote()
    {
        var folder = _program.At("codec");
        await _program.RunAsync("experiment", "codec", "--out", folder);
        var old = Directory.GetFiles(Path.Combine(folder, "cells"))[0];
        File.WriteAllText(old, File.ReadAllText(old).Replace("\"form\": 1", "\"form\": 0", StringComparison.Ordinal));
        _trials.Clear();

        Assert.Equal(ExitCode.Done, await _program.RunAsync("experiment", "codec", "--out", folder));
        Assert.Single(_trials);
    }

    [Theory]
    [InlineData("alpha", 24, "alpha.png")]
    [InlineData("shuffle", 5, "shuffle.png")]
    [InlineData("cut", 7, "accuracy.png", "computation.png", "bytes.png")]
    [InlineData("codec", 4, "accuracy.png", "bytes.png")]
    [InlineData("tune", 25, "tune.png")]
    [InlineData("costs", 12, "devices.png")]
    public async Task Should_run_its_grid(string name, int cells, params string[] pictures)
    {
        var folder = _program.At(name);
        Assert.Equal(ExitCode.Done, await _program.RunAsync("experiment", name, "--out", folder));

        Assert.Equal(cells, _trials.Count);
        Assert.Equal(cells + 1, File.ReadAllLines(Path.Combine(folder, "table.csv")).Length);
        AssertPictures(folder, pictures);
    }

    [Fact]
    public async Task Should_go_on_from_another_directory()
    {
        Assert.Equal(ExitCode.Done, await _program.RunAsync("experiment", "codec", "--out", _program.At("codec"), "--set", "splitfrozen.run.root=here"));
        _trials.Clear();

        Assert.Equal(ExitCode.Done, await _program.RunAsync("experiment", "codec", "--out", _program.At("codec"), "--set", "splitfrozen.run.root=there"));
        Assert.Empty(_trials);
    }

    [Fact]
    public async Task Should_take_over_a_folder_in_which_nothing_was_found()
    {
        var trial = _program.Composition.OnTrial;
        _program.Composition.OnTrial = _ => throw new UserErrorException("There is no model at /nowhere.");
        Assert.Equal(ExitCode.BadInput, await _program.RunAsync("experiment", "codec", "--out", _program.At("codec"), "--model", "/nowhere"));

        _program.Composition.OnTrial = trial;
        Assert.Equal(ExitCode.Done, await _program.RunAsync("experiment", "codec", "--out", _program.At("codec")));
        Assert.Equal(ExitCode.BadInput, await _program.RunAsync("experiment", "codec", "--out", _program.At("codec"), "--epochs", "7"));
        Assert.Contains("holds something else", _program.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("table2", 8)]
    [InlineData("alpha", 24)]
    [InlineData("costs", 8)]
    public async Task Should_spread_amounts_where_rows_have_no_labels(string name, int cells)
    {
        _program.Composition.Labels = () => [];
        Assert.Equal(ExitCode.Done, await _program.RunAsync("experiment", name, "--out", _program.At(name)));

        Assert.Equal(cells, _trials.Count);
        Assert.Equal([PartitionKind.Iid, PartitionKind.Quantity], _trials.Select(t => t.Data.Partition.Kind).Distinct().Order());
    }

    [Theory]
    [InlineData(2, 1)]
    [InlineData(3, 2)]
    [InlineData(77, 10)]
    public async Task Should_leave_devices_without_some_labels(int labels, int each)
    {
        _program.Composition.Labels = () => [.. Enumerable.Range(0, labels).Select(l => $"label {l}")];
        Assert.Equal(ExitCode.Done, await _program.RunAsync("experiment", "table2", "--out", _program.At("table2")));

        Assert.All(_trials, t => Assert.Equal(each, t.Data.Partition.LabelsPerDevice));
    }

    [Theory]
    [InlineData("table2")]
    [InlineData("alpha")]
    [InlineData("costs")]
    public async Task Should_refuse_a_split_from_a_file_where_it_compares_splits(string name)
    {
        var code = await _program.RunAsync("experiment", name, "--out", _program.At(name), "--set", "splitfrozen.data.partition-file=/splits/one.json");

        Assert.Equal(ExitCode.BadInput, code);
        Assert.Contains("splitfrozen.data.partition-file = /splits/one.json", _program.Error, StringComparison.Ordinal);
        Assert.Empty(_trials);
    }

    [Fact]
    public async Task Should_stop_between_cells()
    {
        var trial = _program.Composition.OnTrial;
        _program.Composition.OnTrial = settings =>
        {
            _program.Stop.Request();
            _program.Stop.Token.WaitHandle.WaitOne();
            return trial(settings);
        };

        Assert.Equal(ExitCode.Stopped, await _program.RunAsync("experiment", "cut", "--out", _program.At("cut")));
        Assert.Contains("goes on where it was", _program.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("pipeline", "paper.png", "phones.png", "slow-links.png", "trace.png")]
    [InlineData("seqlen", "transfer.png", "device-memory.png", "server-memory.png")]
    public async Task Should_compute_without_training(string name, params string[] pictures)
    {
        var folder = _program.At(name);
        Assert.Equal(ExitCode.Done, await _program.RunAsync("experiment", name, "--out", folder));

        Assert.Empty(_trials);
        Assert.Contains("not measured", File.ReadAllText(Path.Combine(folder, "table.md")), StringComparison.Ordinal);
        AssertPictures(folder, pictures);
    }

    [Fact]
    public async Task Should_name_the_bottleneck()
    {
        Assert.Equal(ExitCode.Done, await _program.RunAsync("experiment", "pipeline", "--out", _program.At("pipeline"), "--json"));

        var rows = JsonNode.Parse(_program.Output)!.AsArray();
        string Of(string fleet, string method) => rows.First(r => r!["fleet"]!.GetValue<string>() == fleet && r["method"]!.GetValue<string>() == method)!["bottleneck"]!.GetValue<string>();
        Assert.Equal(("server", "device", "link"), (Of("paper", "splitfrozen no store"), Of("phones", "splitfrozen no store"), Of("slow links", "splitfrozen no store")));
        Assert.EndsWith(",bottleneck", File.ReadLines(Path.Combine(_program.At("pipeline"), "table.csv")).First(), StringComparison.Ordinal);
    }

    private static void AssertPictures(string folder, params string[] names) => Assert.All(names, name =>
    {
        using var picture = SKBitmap.Decode(Path.Combine(folder, name));
        Assert.True(picture.Width > 800);
    });
}
