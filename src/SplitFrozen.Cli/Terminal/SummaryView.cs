using System.Globalization;

using SplitFrozen.Domain.Runs;

using Spectre.Console;

namespace SplitFrozen.Cli.Terminal;

/// <summary>A run's summary as people read it, on the terminal and in summary.txt.</summary>
internal static class SummaryView
{
    private const int TextWidth = 100;

    /// <summary>Shows the summary.</summary>
    public static void Show(IAnsiConsole console, RunSummary summary, string folder)
    {
        console.WriteLine();
        console.Write(new Rule(Title(summary)).LeftJustified().RuleStyle("grey"));
        console.Write(Figures(summary, folder));
        if (summary.Devices.Count > 0)
        {
            console.Write(Devices(summary.Devices));
        }

        console.Write(Stages(summary.StageSeconds));
        foreach (var remark in summary.Remarks)
        {
            console.MarkupLine($"[yellow]Note:[/] {Markup.Escape(remark)}");
        }
    }

    /// <summary>The summary without colours, for a file.</summary>
    public static string Text(RunSummary summary, string folder)
    {
        using var writer = new StringWriter(CultureInfo.InvariantCulture);
        Show(PlainConsole.To(writer, TextWidth), summary, folder);
        return string.Join('\n', writer.ToString().Split('\n').Select(l => l.TrimEnd())).Trim('\n') + "\n";
    }

    private static string Title(RunSummary summary) =>
        (summary.Completed ? "[bold green]Finished[/]" : "[bold yellow]Stopped[/]")
        + $" [grey]in[/] {Units.Seconds(summary.WallSeconds)} [grey]({Markup.Escape(summary.Method)}, seed {summary.Seed}, {summary.Epochs} epochs, cut at layer {summary.Cut})[/]";

    private static Grid Figures(RunSummary summary, string folder)
    {
        var grid = new Grid().AddColumn(new GridColumn().NoWrap()).AddColumn();
        Row(grid, $"Accuracy on {summary.EvaluationSplit}", $"{Units.Share(summary.AccuracyBefore)} before, [bold green]{Units.Share(summary.AccuracyAfter)}[/] after training");
        if (summary.ValidationAccuracy is { } validation)
        {
            Row(grid, "Accuracy in validation", $"{Units.Share(validation)} [grey]({Markup.Escape(summary.ValidationSplit)})[/]");
        }

        Measures(grid, summary);
        Row(grid, "Training loss", $"{Units.Loss(summary.LossFirst)} first, {Units.Loss(summary.LossLast)} last step");
        Row(grid, "Samples trained", $"{Units.Number(summary.SamplesTrained)} of {Units.Number(summary.SamplesExpected)} in {Units.Number(summary.Steps)} steps");
        Row(grid, "Adapter", summary.AdapterSha256 is null
            ? "none: no step was made"
            : $"{Units.Bytes(summary.AdapterBytes)}, {Units.Number(summary.TrainableParameters)} trained parameters");
        if (summary.ChannelRefusals.Count > 0)
        {
            Row(grid, "Refused on the channel", string.Join(", ", summary.ChannelRefusals.Select(r => $"{Units.Number(r.Value)} {r.Key}")));
        }

        if (summary.Store is { } store)
        {
            Row(grid, "Activation store", $"{Units.Number(store.Samples)} samples in {Units.Bytes(store.MemoryBytes)} of memory and {Units.Bytes(store.DiskBytes)} of disk ({store.Codec})"
                + (store.Damaged > 0 ? $", {Units.Number(store.Damaged)} damaged" : ""));
            Row(grid, "Devices computed", $"{Units.Count(store.DeviceFlops)} FLOPs instead of {Units.Count(store.DeviceFlopsWithout)} without the store");
            Row(grid, "Devices sent", $"{Units.Bytes(store.DeviceBytes)} instead of {Units.Bytes(store.DeviceBytesWithout)} without the store");
        }

        Row(grid, "Run folder", Markup.Escape(folder));
        return grid;
    }

    /// <summary>The measures that the task has besides accuracy.</summary>
    private static void Measures(Grid grid, RunSummary summary)
    {
        if (summary.F1After is not null || summary.F1Before is not null)
        {
            var validation = summary.ValidationF1 is { } f1 ? $", {Units.Share(f1)} in validation" : "";
            Row(grid, $"F1 on {summary.EvaluationSplit}", $"{Units.Share(summary.F1Before)} before, {Units.Share(summary.F1After)} after training{validation}");
        }

        if (summary.PerplexityBefore is not null || summary.PerplexityAfter is not null)
        {
            Row(grid, $"Perplexity on {summary.EvaluationSplit}", $"{Units.Loss(summary.PerplexityBefore)} before, {Units.Loss(summary.PerplexityAfter)} after training");
        }

        if (summary.ExactMatch is { } match)
        {
            Row(grid, "Exact match", $"{Units.Share(match)} of {Units.Number(summary.ExactMatchRows ?? 0)} answers have the reference's number");
        }
    }

    private static void Row(Grid grid, string name, string value) => grid.AddRow($"[grey]{Markup.Escape(name)}[/]", value);

    private static Table Devices(IReadOnlyList<DeviceSummary> devices)
    {
        var receives = devices.Any(d => d.BytesReceived > 0);
        var table = new Table().Border(TableBorder.Simple).AddColumns(
            Column("Device"), Right("Layers"), Right("Samples"), Right(receives ? "Received" : "Forwarded"), Right("FLOPs"), Right("Sent"), Right("Busy"));
        foreach (var device in devices)
        {
            table.AddRow(
                Markup.Escape(device.Id), $"{device.Layers}", Units.Number(device.Samples),
                receives ? Units.Bytes(device.BytesReceived) : Units.Number(device.Forwarded),
                Units.Count(device.Flops), Units.Bytes(device.BytesSent), Units.Seconds(device.BusySeconds));
        }

        return table;
    }

    private static Table Stages(StageSeconds stages)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumn(Column("Server stage (stages overlap)")).AddColumn(Right("Time"));
        (string, double)[] rows =
        [
            ("Catch-up of frozen layers", stages.CatchUp), ("Forward (F)", stages.Forward), ("Backward, activations (B)", stages.BackwardInput),
            ("Backward, weights (W)", stages.BackwardWeights), ("Optimiser", stages.Step), ("Evaluation", stages.Evaluation),
            ("Trainer waiting for activations", stages.TrainerIdle),
        ];
        foreach (var (name, seconds) in rows)
        {
            table.AddRow(name, Units.Seconds(seconds));
        }

        return table;
    }

    private static TableColumn Column(string name) => new TableColumn($"[grey]{name}[/]").NoWrap();

    private static TableColumn Right(string name) => Column(name).RightAligned();
}
