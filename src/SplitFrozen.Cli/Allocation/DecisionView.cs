using SplitFrozen.Cli.Terminal;
using SplitFrozen.Domain.Allocation;

using Spectre.Console;

namespace SplitFrozen.Cli.Allocation;

/// <summary>An allocation as people read it.</summary>
internal static class DecisionView
{
    /// <summary>Shows layers, predicted times, alternatives and reasons.</summary>
    public static void Show(IAnsiConsole console, AllocationDecision decision)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumns(
            "[grey]Device[/]", "[grey]Layers[/]", "[grey]Time an epoch[/]", "[grey]Other counts: own time, slowest stage[/]");
        foreach (var device in decision.Devices)
        {
            table.AddRow(
                Markup.Escape(device.Device.Value), $"[bold]{device.Layers}[/]", Time(device.PredictedSeconds),
                Markup.Escape(string.Join("; ", device.Alternatives.Select(a => $"{a.Layers}: {Time(a.PredictedSeconds)}, {Time(a.SlowestSeconds)}"))));
        }

        console.Write(table);
        foreach (var device in decision.Devices)
        {
            console.MarkupLineInterpolated($"[bold]{device.Device}[/]: {device.Reason}");
        }

        console.MarkupLineInterpolated($"Server {Time(decision.ServerSeconds)} an epoch; the slowest stage is [bold]{decision.Bottleneck}[/] with {Time(decision.SlowestSeconds)}");
    }

    /// <summary>A time that may be without end: a device that measured nothing.</summary>
    public static string Time(double seconds) => double.IsFinite(seconds) && seconds < TimeSpan.MaxValue.TotalSeconds ? Units.Seconds(seconds) : "unknown";
}
