using System.Text.Json.Nodes;

using SplitFrozen.Cli.Runs;
using SplitFrozen.Cli.Tests.Support;
using SplitFrozen.Domain.Runs;

namespace SplitFrozen.Cli.Tests.Runs;

/// <summary>The trace in a run's folder: for Perfetto, and as a picture.</summary>
public sealed class TraceFilesSpecs : IDisposable
{
    private static readonly byte[] PngSignature = [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Should_write_events_for_perfetto_and_a_picture()
    {
        var began = DateTimeOffset.UtcNow;
        var trace = new RunTrace();
        trace.Began("phone: forward", "device forward", began, 0.25);
        trace.Began("phone: link", "transfer", began.AddSeconds(0.25), 0.125);
        trace.Began("server to second: link", "transfer", began.AddSeconds(0.4), 0.0625);
        trace.Began("server: trainer", "F", began.AddSeconds(0.5), 0.1);
        trace.Began("server: trainer", RunTrace.Waiting, began.AddSeconds(0.6), 0.2);
        trace.Began("server: trainer", "B", began.AddSeconds(0.8), 0.2);

        TraceFiles.Write(_folder.At(), trace);

        var json = JsonNode.Parse(File.ReadAllText(_folder.At("trace.json")))!;
        Assert.Equal("ms", json["displayTimeUnit"]!.GetValue<string>());
        var events = json["traceEvents"]!.AsArray();
        var lanes = events.Where(e => Text(e, "ph") == "M").ToDictionary(e => Number(e, "tid"), e => e!["args"]!["name"]!.GetValue<string>());
        Assert.Equal(["phone: forward", "phone: link", "server to second: link", "server: trainer"], lanes.OrderBy(l => l.Key).Select(l => l.Value));
        Assert.All(events.Where(e => Text(e, "ph") == "M"), e => Assert.Equal("thread_name", Text(e, "name")));
        var spans = events.Where(e => Text(e, "ph") == "X").Select(e => (Lane: lanes[Number(e, "tid")], Name: Text(e, "name"), Start: Number(e, "ts"), Duration: Number(e, "dur"))).ToList();
        Assert.Equal(
            [
                ("phone: forward", "device forward", 250_000.0), ("phone: link", "transfer", 125_000), ("server to second: link", "transfer", 62_500),
                ("server: trainer", "F", 100_000), ("server: trainer", "waiting", 200_000), ("server: trainer", "B", 200_000),
            ],
            spans.Select(s => (s.Lane, s.Name, s.Duration)));
        Assert.Equal([0, 250_000, 400_000, 500_000, 600_000, 800_000], spans.Select(s => Math.Round(s.Start - spans[0].Start)));
        Assert.Equal(PngSignature, File.ReadAllBytes(_folder.At("timeline.png")).Take(PngSignature.Length));
        Assert.Equal(0.4, trace.IdleShares()["server: trainer"], 1e-6);
    }

    [Fact]
    public void Should_write_nothing_where_nothing_was_traced()
    {
        TraceFiles.Write(_folder.At(), new RunTrace());

        Assert.Empty(Directory.GetFileSystemEntries(_folder.At()));
    }

    private static string Text(JsonNode? node, string name) => node![name]!.GetValue<string>();

    private static double Number(JsonNode? node, string name) => node![name]!.GetValue<double>();
}
