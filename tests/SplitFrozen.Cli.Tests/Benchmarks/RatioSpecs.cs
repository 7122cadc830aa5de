using System.Text.Json;
using System.Text.Json.Nodes;

using SplitFrozen.Cli.Benchmarks;
using SplitFrozen.Cli.Benchmarks.Channel;
using SplitFrozen.Cli.Benchmarks.Pipeline;
using SplitFrozen.Cli.Benchmarks.Store;
using SplitFrozen.Cli.Runs;
using SplitFrozen.Cli.Tests.Support;
using SplitFrozen.Domain.Runs;

namespace SplitFrozen.Cli.Tests.Benchmarks;

/// <summary>What benchmarks print as ratios, from made-up measurements: the names, and how they are taken.</summary>
public sealed class RatioSpecs
{
    [Fact]
    public void Should_hold_the_ratios_of_the_channel()
    {
        var found =
            from round in Enumerable.Range(0, 3)
            from tls in (bool[])[false, true]
            from tokens in ChannelBench.FrameTokens
            from senders in ChannelBench.SenderCounts
            from carrier in Enum.GetValues<Carrier>()
            let rate = carrier == Carrier.Channel ? (tls ? 96 : 90 + senders) - (tokens == 512 ? 1 : 0) : carrier == Carrier.RawChecked ? 100 : 200
            select new Measurement(carrier, tls, tokens, senders, rate * (round + 1), 0.5, carrier == Carrier.Channel && senders == 2 ? 0.003 : 0.001);
        var ratios = Ratios(ChannelBench.Report([.. found], [.. Enumerable.Range(1, 200).Select(i => (double)i)]));

        Assert.Equal(["plain_vs_raw_1", "plain_vs_raw_4", "tls_vs_rawtls_1", "alloc_share", "ping_p99_ms"], ratios.Select(r => r.Key));
        Assert.Equal([0.90, 0.93, 0.95, 0.003, 198], ratios.Select(r => Math.Round(r.Value!.GetValue<double>(), 6)));
    }

    [Fact]
    public void Should_hold_the_ratios_of_the_store()
    {
        RunEvent.EpochTrained Epoch(int epoch, double seconds, long bytes) => new(epoch, seconds, 10, bytes, 0);

        var summary = Examples.Summary() with { Store = new StoreSummary("memory", "fp32", 10, 4096, 0, 20, 0, 1, 2, 3, 4) };
        var run = new RealRunResult([Epoch(0, 4, 1000), Epoch(1, 3, 0), Epoch(2, 3, 0)], summary, [4, 2, 2]);
        var ratios = Ratios(StoreBench.Report([run, run with { ProcessorSeconds = [4, 3, 2] }, run with { ProcessorSeconds = [4, 1, 2] }]));

        Assert.Equal(["epoch2_vs_epoch1", "epoch2_vs_epoch1_wall", "epoch2_wire_bytes", "frozen_share"], ratios.Select(r => r.Key));
        Assert.Equal((0.5, 0.75, 0.0), (Value("epoch2_vs_epoch1"), Value("epoch2_vs_epoch1_wall"), Value("epoch2_wire_bytes")));
        Assert.InRange(Value("frozen_share"), 0.001, 0.999);

        double Value(string name) => ratios[name]!.GetValue<double>();
    }

    [Fact]
    public void Should_hold_the_ratios_of_the_pipeline()
    {
        var balanced = new PipelineBench.Measured(BenchRow.Of("pipeline", "s", [4]), BenchRow.Of("one after another", "s", [10]), 0.1);
        var paper = new PipelineBench.Measured(BenchRow.Of("pipeline", "s", [6]), BenchRow.Of("one after another", "s", [8]), 0.2);
        var ratios = Ratios(PipelineBench.Report(balanced, paper, [9, 10, 11], [10, 10, 10]));

        Assert.Equal(
            ["saving_vs_sequential", "saving_vs_sequential_paper", "time_vs_bound", "time_vs_bound_paper", "bubble_share", "cluster_vs_single", "predicted_vs_measured",
                "predicted_vs_measured_paper", "overrun_share"],
            ratios.Select(r => r.Key));
        Assert.Equal([0.6, 0.25, 1, 0.2], ((string[])["saving_vs_sequential", "saving_vs_sequential_paper", "cluster_vs_single", "overrun_share"]).Select(Value));
        // 26 times what one stage takes, 84 ms, is the least for 24 units of three equal stages.
        Assert.InRange(Value("time_vs_bound"), 4 / 2.2, 4 / 2.15);

        double Value(string name) => Math.Round(ratios[name]!.GetValue<double>(), 6);
    }

    private static JsonObject Ratios(BenchReport report) => JsonNode.Parse(JsonSerializer.Serialize(report, RunJson.Indented))!["ratios"]!.AsObject();
}
