using System.Text.Json.Nodes;

using SkiaSharp;

using SplitFrozen.Cli.Tests.Support;

namespace SplitFrozen.Cli.Tests.Schedules;

public sealed class ScheduleCommandSpecs : IDisposable
{
    private readonly ProgramUnderTest _program = new();

    public void Dispose() => _program.Dispose();

    [Fact]
    public async Task Should_print_the_lists_of_the_stages()
    {
        Assert.Equal(ExitCode.Done, await _program.RunAsync("schedule", "zb-h1", "--stages", "2", "--micro-batches", "3"));

        Assert.Contains("stage 0: F0 F1 B0 W0 F2 B1 W1 B2 W2", _program.Output, StringComparison.Ordinal);
        Assert.Contains("stage 1: F0 B0 F1 B1 W0 F2 B2 W1 W2", _program.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("zb-h1", 3 * (2 + 3 - 1), new[] { 4, 4, 4, 4 })]
    [InlineData("1f1b", 3 * (2 + 3 + 1), new[] { 4, 3, 2, 1 })]
    [InlineData("gpipe", 3 * (2 + 3 + 1), new[] { 8, 8, 8, 8 })]
    [InlineData("sequential", 8 * 3 * (2 + 3 + 1), new[] { 1, 1, 1, 1 })]
    public async Task Should_print_bubble_and_peak_as_json(string name, double bubble, int[] peaks)
    {
        await _program.RunAsync("schedule", name, "--stages", "4", "--micro-batches", "8", "--tf", "2", "--tb", "3", "--tw", "1", "--json");

        var figures = JsonNode.Parse(_program.Output)!;
        Assert.Equal(bubble, figures["bubble"]!.GetValue<double>());
        Assert.Equal(bubble / (bubble + (8 * 6)), figures["bubble_share"]!.GetValue<double>(), 12);
        Assert.Equal(peaks, figures["peak_activations"]!.AsArray().Select(p => p!.GetValue<int>()));
        Assert.Equal(4, figures["stages"]!.AsArray().Count);
        Assert.Equal("F0", figures["stages"]![0]![0]!.GetValue<string>());
        Assert.True(figures["makespan"]!.GetValue<double>() >= 8 * 6);
    }

    [Fact]
    public async Task Should_draw_the_timeline_over_an_older_picture()
    {
        var file = _program.File("timeline.png", "an older file");
        Assert.Equal(ExitCode.Done, await _program.RunAsync("schedule", "zb-h1", "--stages", "3", "--micro-batches", "4", "--out", file));

        using var picture = SKBitmap.Decode(file);
        Assert.True(picture.Width > 1000);
        Assert.Equal([file], Directory.GetFiles(Path.GetDirectoryName(file)!));

        // The title is drawn with the shipped font: there is something dark above the lanes.
        Assert.Contains(Enumerable.Range(0, picture.Width * 30), i => picture.GetPixel(i % picture.Width, i / picture.Width).Red < 100);
    }

    [Theory]
    [InlineData("zb-h2", "2", "2", "zb-h1")]
    [InlineData("zb-h1", "0", "2", "--stages 0")]
    [InlineData("zb-h1", "2", "-1", "--micro-batches -1")]
    [InlineData("zb-h1", "10000", "10000", "Lower one")]
    [InlineData("zb-h1", "2", "2", "--tf NaN", "--tf", "NaN")]
    [InlineData("zb-h1", "2", "2", "--tw -1", "--tw", "-1")]
    [InlineData("1f1b", "2", "2", "only zb-h1", "--pending-w", "1")]
    [InlineData("zb-h1", "2", "2", "end in .png", "--out", "timeline.svg")]
    [InlineData("zb-h1", "2", "2", "does not exist", "--out", "no/such/folder/timeline.png")]
    public async Task Should_name_what_is_wrong(string name, string stages, string microBatches, string said, params string[] more)
    {
        Assert.Equal(ExitCode.BadInput, await _program.RunAsync(["schedule", name, "--stages", stages, "--micro-batches", microBatches, .. more]));

        Assert.Contains(said, _program.Error, StringComparison.Ordinal);
        Assert.Empty(_program.Output);
    }
}
