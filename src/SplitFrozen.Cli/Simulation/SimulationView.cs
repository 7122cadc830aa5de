using System.Globalization;

using SplitFrozen.Cli.Terminal;
using SplitFrozen.Domain.Simulation;

using Spectre.Console;

namespace SplitFrozen.Cli.Simulation;

/// <summary>Simulations as people read them.</summary>
internal static class SimulationView
{
    /// <summary>Shows one simulation.</summary>
    public static void Show(IAnsiConsole console, SimulationReport report)
    {
        var policy = report.Policy + (report.Reallocates ? ", dealt out anew while training" : "");
        console.MarkupLineInterpolated(
            $"{Units.Number(report.Devices)} devices on {Units.Number(report.Nodes)} nodes, cut at layer {report.Cut}, policy {policy}, seed {report.Seed}");
        var grid = new Grid().AddColumn(new GridColumn().NoWrap()).AddColumn();
        Row(grid, "Time", $"{Units.Seconds(report.TotalSeconds)}; epochs: {string.Join(", ", report.Epochs.Select(e => Units.Seconds(e.Seconds)))}");
        Row(grid, "Bottleneck", $"{report.Bottleneck.Kind.Replace('_', '-')} of {report.Bottleneck.Name}, busy {Share(report.Bottleneck.BusyShare)} of the time");
        Row(grid, "Trained", $"{Units.Number(report.Coverage.Trained)} of {Units.Number(report.Coverage.Expected)} samples, "
            + (report.Coverage.ExactlyOnce ? "each once an epoch" : $"{Units.Number(report.Coverage.Missing)} struck with devices that never returned"));
        Row(grid, "Sent", $"{Units.Bytes((long)report.Traffic.Bytes)} in {Units.Number(report.Traffic.Units)} units, "
            + $"{Units.Bytes((long)report.Traffic.MeanBytesPerDevice)} a device, at most {Units.Bytes((long)report.Traffic.MostBytesPerDevice)}");
        if (report.Store is { } store)
        {
            Row(grid, "Activation store", $"{Units.Number(store.Samples)} samples in {Units.Bytes(store.MemoryBytes)} of memory and {Units.Bytes(store.DiskBytes)} of disk, "
                + $"{Units.Number(store.Supplied)} taken out; sent by epoch: {string.Join(", ", report.Epochs.Select(e => Units.Bytes((long)e.Bytes)))}");
        }

        Row(grid, "Layers", string.Join(", ", report.Layers.Select(l => $"{l.Layers}: {Units.Number(l.Devices)} devices")) + $"; {Units.Number(report.LayerChanges)} changes");
        if (report.Faults.Crashes > 0)
        {
            Row(grid, "Crashes", $"{Units.Number(report.Faults.Crashes)}, {Units.Number(report.Faults.Rejoined)} nodes came back, "
                + $"{Units.Number(report.Faults.LostNodes)} given up, {Units.Number(report.Traffic.UnitsRepeated)} units repeated");
        }

        console.Write(grid);
        console.Write(Lanes(report));
    }

    /// <summary>Shows several simulations of one fleet.</summary>
    public static void ShowSweep(IAnsiConsole console, IReadOnlyList<SimulationReport> reports)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumns(
            Column("Policy"), Column("Time"), Column("Longest"), Column("Device"), Column("Catch-up"), Column("Trainer"), Column("Changes"));
        var best = reports.Min(r => r.TotalSeconds);
        foreach (var report in reports)
        {
            string Busy(string kind) => Share(1 - report.Lanes.First(l => l.Kind == kind).BubbleShare);
            table.AddRow(
                Markup.Escape(report.Policy) + (report.Reallocates ? "*" : ""),
                report.TotalSeconds == best ? $"[bold]{Units.Seconds(report.TotalSeconds)}[/]" : Units.Seconds(report.TotalSeconds),
                report.Bottleneck.Kind.Replace('_', '-'),
                Busy("device"), Busy("catch_up"), Busy("trainer"), Units.Number(report.LayerChanges));
        }

        console.Write(table);
        console.MarkupLine("[grey]Longest: the kind of the lane that was busy longest. Device, catch-up, trainer: the share of the time that one was busy, on average. *: dealt out anew while training.[/]");
    }

    /// <summary>Shows predicted times beside achieved ones.</summary>
    public static void Show(IAnsiConsole console, RunComparison comparison)
    {
        foreach (var epoch in comparison.Epochs)
        {
            console.MarkupLineInterpolated(
                $"Epoch {epoch.Epoch + 1}: predicted {Units.Seconds(epoch.PredictedSeconds)}, achieved {Units.Seconds(epoch.AchievedSeconds)}, a difference of {Share(epoch.Error)}");
        }
    }

    /// <summary>A share in per cent.</summary>
    public static string Share(double share) => (100 * share).ToString("0.0", CultureInfo.InvariantCulture) + " %";

    private static TableColumn Column(string name) => new TableColumn($"[grey]{name}[/]").NoWrap();

    private static Table Lanes(SimulationReport report)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumns(
            "[grey]Lanes[/]", "[grey]How many[/]", "[grey]Busy, all[/]", "[grey]Busy, longest[/]", "[grey]Bubble share[/]", "[grey]Least[/]", "[grey]Most[/]");
        foreach (var lane in report.Lanes)
        {
            table.AddRow(
                lane.Kind.Replace('_', '-'), Units.Number(lane.Lanes), Units.Seconds(lane.BusySeconds), Units.Seconds(lane.LongestBusySeconds),
                Share(lane.BubbleShare), Share(lane.LeastBubbleShare), Share(lane.MostBubbleShare));
        }

        return table;
    }

    private static void Row(Grid grid, string name, string value) => grid.AddRow($"[grey]{Markup.Escape(name)}[/]", Markup.Escape(value));
}
