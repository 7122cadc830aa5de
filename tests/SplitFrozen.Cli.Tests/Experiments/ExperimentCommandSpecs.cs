using System.Text.Json.Nodes;

using SkiaSharp;

using SplitFrozen.Cli.Tests.Support;

namespace SplitFrozen.Cli.Tests.Experiments;

public sealed class ExperimentCommandSpecs : IDisposable
{
    private readonly ProgramUnderTest _program = new();

    public void Dispose() => _program.Dispose();

    [Fact]
    public async Task Should_write_tables_plots_and_the_configuration()
    {
        var folder = _program.At("servers");
        Assert.Equal(ExitCode.Done, await _program.RunAsync("experiment", "servers-replay", "--out", folder, "--json"));

        var rows = JsonNode.Parse(_program.Output)!.AsArray();
        Assert.Equal(rows.Count, Directory.GetFiles(Path.Combine(folder, "cells")).Length);
        Assert.Equal(rows.Count + 1, File.ReadAllLines(Path.Combine(folder, "table.csv")).Length);
        Assert.Contains("not measured", File.ReadAllText(Path.Combine(folder, "table.md")), StringComparison.Ordinal);
        Assert.True(JsonNode.DeepEquals(rows, JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "table.json")))));
        Assert.True(File.Exists(Path.Combine(folder, "config.conf")));
        Assert.All(new[] { "speedup-50.png", "speedup-1000.png", "slowest-link.png" }, name =>
        {
            using var picture = SKBitmap.Decode(Path.Combine(folder, name));
            Assert.True(picture.Width > 800);
        });
        AssertFindings(rows);
    }

    [Fact]
    public async Task Should_go_on_where_it_was_stopped()
    {
        var folder = _program.At("servers");
        await _program.RunAsync("experiment", "servers-replay", "--out", folder);
        var cells = Directory.GetFiles(Path.Combine(folder, "cells"));
        File.Delete(cells[3]);
        var kept = File.ReadAllText(cells[0]).Replace("\"speedup\": ", "\"speedup\": 7", StringComparison.Ordinal);
        File.WriteAllText(cells[0], kept);

        Assert.Equal(ExitCode.Done, await _program.RunAsync("experiment", "servers-replay", "--out", folder));

        Assert.True(File.Exists(cells[3]));
        Assert.Equal(kept, File.ReadAllText(cells[0]));
    }

    [Fact]
    public async Task Should_not_mix_cells_of_two_configurations()
    {
        var folder = _program.At("servers");
        await _program.RunAsync("experiment", "servers-replay", "--out", folder);

        Assert.Equal(ExitCode.BadInput, await _program.RunAsync("experiment", "servers-replay", "--out", folder, "--set", "splitfrozen.lora.rank=4"));
        Assert.Contains("another configuration", _program.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Should_find_dynamic_allocation_faster_where_capacities_drift_and_no_slower_where_they_do_not()
    {
        var folder = _program.At("reallocation");
        Assert.Equal(ExitCode.Done, await _program.RunAsync("experiment", "reallocation-replay", "--out", folder, "--json"));

        var rows = JsonNode.Parse(_program.Output)!.AsArray();
        double Ratio(string policy, string trace)
        {
            double Seconds(string way) => rows.Where(r => Text(r, "trace") == trace && Text(r, "allocation") == way && Text(r, "policy") == policy).Average(r => Number(r, "seconds"));
            return Seconds("dynamic") / Seconds("static");
        }

        Assert.InRange(Ratio("proportional", "drifting"), 0, 0.9);
        Assert.InRange(Ratio("proportional", "drifting in turn"), 0, 0.8);
        Assert.All(new[] { "proportional", "balanced" }, policy => Assert.InRange(Ratio(policy, "steady"), 0, 1.01));
        Assert.InRange(Ratio("balanced", "drifting"), 0, 1.01);
        Assert.All(rows, r => Assert.Equal(1, Number(r, "exactly_once")));
        Assert.All(new[] { "seconds.png", "bubble_share.png" }, name => Assert.True(new FileInfo(Path.Combine(folder, name)).Length > 1000));
    }

    /// <summary>One server is one server; a fast link brings two closer to twice the speed than a slow one; the slowest link bounds the batch.</summary>
    private static void AssertFindings(JsonArray rows)
    {
        Assert.All(rows.Where(r => Number(r, "servers") == 1), r => Assert.Equal(1, Number(r, "speedup")));
        var two = rows.Where(r => Number(r, "servers") == 2 && Number(r, "gigaflops") == 50 && Number(r, "micro_batches") == 16 && Text(r, "trained") == "lora").ToList();
        Assert.True(Number(two.MaxBy(r => Number(r, "megabits")), "speedup") > Number(two.MinBy(r => Number(r, "megabits")), "speedup"));
        Assert.All(rows, r => Assert.True(Number(r, "seconds_zb_h1") >= Number(r, "slowest_link_seconds")));
        Assert.All(rows, r => Assert.True(Number(r, "seconds_zb_h1") <= Number(r, "seconds_1f1b") * (1 + 1e-9)));
    }

    private static double Number(JsonNode? row, string name) => row![name]!.GetValue<double>();

    private static string Text(JsonNode? row, string name) => row![name]!.GetValue<string>();
}
