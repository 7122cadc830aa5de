using System.Text.Json.Nodes;

using SplitFrozen.Domain.Runs;
using SplitFrozen.TestKit.StandIn;

using Xunit;

namespace SplitFrozen.Actors.Tests.Cluster;

/// <summary>What a run's trace holds.</summary>
[Collection(ClusterCollection.Name)]
public sealed class TraceSpecs
{
    private const int Devices = 2;
    private const int Stages = 2;

    [Fact(DisplayName = "The trace has a lane for each device, each link of a device or between servers, and each trainer stage, and for shuffle and catch-up, with every operation of the run")]
    public async Task Should_hold_all_operations()
    {
        using var run = new StandInRun("splitfrozen.pipeline.stages=2", "splitfrozen.server.nodes=[{ name = second }]", "splitfrozen.allocation.policy=manual", "splitfrozen.allocation.manual.device-1=1", "splitfrozen.model.cut=2")
        {
            Model = new StandInModel(layers: 4),
            Trace = new RunTrace(),
        };
        var summary = await run.OnClusterAsync();
        var lanes = Lanes(run.Trace);

        Assert.Equal(
            [
                "device-0: forward", "device-0: link", "device-1: forward", "device-1: link", "second to server: link", "server to second: link",
                "server: catch-up", "server: shuffle", "server: trainer, stage 0", "server: trainer, stage 1",
            ],
            lanes.Keys.Order(StringComparer.Ordinal));
        var steps = run.Losses.Count();
        var microBatches = lanes["server: shuffle"].Count(e => e.Name == "hand over");
        Assert.InRange(microBatches, steps + 1, 2 * steps);
        foreach (var stage in Enumerable.Range(0, Stages).Select(s => lanes[$"server: trainer, stage {s}"]))
        {
            Assert.All(["F", "B", "W"], name => Assert.Equal(microBatches, stage.Count(e => e.Name == name)));
            Assert.Equal(steps, stage.Count(e => e.Name == "step"));
        }

        // Up the rows of a micro-batch, down their gradients and the stage's state; what was under way when the run ended may not have been told.
        Assert.All(["server to second", "second to server"], link => Assert.InRange(lanes[$"{link}: link"].Count(e => e.Name == "transfer"), microBatches - 1, 20 * microBatches));

        var units = summary.Devices.Sum(d => d.Operations);
        Assert.Equal(units, lanes["server: shuffle"].Count(e => e.Name == "place"));
        Assert.Equal(units, Enumerable.Range(0, Devices).Sum(d => lanes[$"device-{d}: forward"].Count));
        Assert.Equal(units, Enumerable.Range(0, Devices).Sum(d => lanes[$"device-{d}: link"].Count));
        Assert.Contains(lanes["server: catch-up"], e => e.Name == "catch-up");
    }

    private static Dictionary<string, List<(string Name, double Start, double Duration)>> Lanes(RunTrace trace)
    {
        using var stream = new MemoryStream();
        trace.WriteChrome(stream);
        var events = JsonNode.Parse(stream.ToArray())!["traceEvents"]!.AsArray();
        var names = events.Where(e => Text(e, "ph") == "M").ToDictionary(e => Number(e, "tid"), e => e!["args"]!["name"]!.GetValue<string>());
        return events.Where(e => Text(e, "ph") == "X").GroupBy(e => names[Number(e, "tid")])
            .ToDictionary(g => g.Key, g => g.Select(e => (Text(e, "name"), Number(e, "ts"), Number(e, "dur"))).OrderBy(e => e.Item2).ToList());
    }

    private static string Text(JsonNode? node, string name) => node![name]!.GetValue<string>();

    private static double Number(JsonNode? node, string name) => node![name]!.GetValue<double>();
}
