using System.Text.Json.Nodes;

using Microsoft.Extensions.Time.Testing;

using SplitFrozen.Cli.Runs;
using SplitFrozen.Cli.Tests.Support;
using SplitFrozen.Domain.Runs;

namespace SplitFrozen.Cli.Tests.Runs;

public sealed class MetricsWriterSpecs : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Should_write_one_flushed_object_a_line()
    {
        var file = _folder.At("metrics.jsonl");
        using var metrics = new MetricsWriter(file, new FakeTimeProvider(new DateTimeOffset(2026, 11, 24, 5, 30, 12, 250, TimeSpan.Zero)));

        Examples.Run(Examples.Summary()).ToList().ForEach(metrics.On);

        using var reader = new StreamReader(new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        var lines = reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonNode.Parse(l)!).ToList();
        Assert.Equal(Examples.Run(Examples.Summary()).Count, lines.Count);
        var layers = lines.First(l => l["event"]!.GetValue<string>() == "layers_assigned");
        Assert.Equal("2026-11-24T05:30:12.250Z", layers["time"]!.GetValue<string>());
        Assert.Equal(("phone", 1, 4), (layers["device"]!.GetValue<string>(), layers["allocation"]!.GetValue<int>(), layers["layers"]!.GetValue<int>()));
        var step = lines.First(l => l["event"]!.GetValue<string>() == "step_done");
        Assert.Equal(2.0, step["score"]!["mean_loss"]!.GetValue<double>());
    }

    [Fact]
    public void Should_write_numbers_that_are_not_finite()
    {
        var file = _folder.At("metrics.jsonl");
        using (var metrics = new MetricsWriter(file, TimeProvider.System))
        {
            metrics.On(new RunEvent.StepDone(0, 0, new(double.NaN, 1, 0), double.PositiveInfinity, 1e-3, 1, 0));
        }

        Assert.Contains("\"Infinity\"", File.ReadAllText(file), StringComparison.Ordinal);
    }

    [Fact]
    public void Should_pass_over_what_comes_after_the_end()
    {
        var file = _folder.At("metrics.jsonl");
        var metrics = new MetricsWriter(file, TimeProvider.System);
        metrics.Dispose();

        metrics.On(new RunEvent.NodeLeft("phone", "device"));

        Assert.Empty(File.ReadAllText(file));
    }
}
