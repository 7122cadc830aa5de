using System.Globalization;

using SplitFrozen.Cli.Terminal;
using SplitFrozen.Domain.Control;

using Spectre.Console;

namespace SplitFrozen.Cli.Operating;

/// <summary>A cluster's status as people read it.</summary>
internal static class StatusView
{
    /// <summary>Shows all of it.</summary>
    public static void Show(IAnsiConsole console, ClusterStatus status)
    {
        var progress = status.Progress;
        console.MarkupLineInterpolated(
            $"[bold]{status.Run}[/] {status.Phase}: epoch {Math.Min(progress.Epoch + 1, progress.Epochs)} of {progress.Epochs}, step {Units.Number(progress.Step)} of {Units.Number(progress.Steps)}, {Units.Number(progress.SamplesTrained)} of {Units.Number(progress.SamplesExpected)} samples, {Rate(progress.SamplesPerSecond)} samples/s, loss {Units.Loss(progress.Loss)}");
        var queues = status.Queues;
        console.MarkupLineInterpolated(
            $"In flight {Units.Number(queues.InFlightSamples)} samples in {queues.InFlightGrants} of {queues.Window} grants, {Units.Bytes(queues.ServerMemoryBytes)} on the server, {queues.ReadyMicroBatches} micro-batches ready; the trainer {(queues.TrainerWaitsSeconds is { } waits ? $"has waited {Units.Seconds(waits)}" : "works or is not asked")}");
        console.MarkupLineInterpolated(
            $"Allocation {status.Allocation.Policy}, epoch {status.Allocation.Epoch}{(status.Allocation.IsPaused ? ", paused" : "")}");
        console.Write(Nodes(status));
        console.Write(Devices(status));
        foreach (var alarm in status.Alarms)
        {
            console.MarkupLineInterpolated($"[yellow]alarm[/] {alarm.At.ToString("HH:mm:ss", CultureInfo.InvariantCulture)} UTC: {alarm.Text}");
        }
    }

    private static Table Nodes(ClusterStatus status)
    {
        var table = Table("Node", "Role", "Address", "State", "Devices");
        foreach (var node in status.Nodes)
        {
            table.AddRow(Markup.Escape(node.Name), node.Role, Markup.Escape(node.Address), node.State, Units.Number(node.Devices));
        }

        return table;
    }

    private static Table Devices(ClusterStatus status)
    {
        var table = Table("Device", "Node", "State", "Layers", "Tokens/s", "Link/s", "Queue", "Credits", "Awaited", "Sent");
        foreach (var device in status.Devices)
        {
            table.AddRow(
                Markup.Escape(device.Device), Markup.Escape(device.Node), device.State, $"[bold]{device.Layers}[/]{(device.IsLoaded || device.Layers == 0 ? "" : "…")}",
                Units.Count(device.LayerTokensPerSecond), device.LinkBytesPerSecond is { } link ? Units.Bytes((long)link) : "–",
                Units.Number(device.QueueLength), $"{device.CreditsUsed}/{device.Credits}", Units.Number(device.AwaitedSamples), Units.Bytes(device.BytesSent));
        }

        return table;
    }

    private static Table Table(params string[] columns) =>
        new Table().Border(TableBorder.None).AddColumns([.. columns.Select((c, i) => i == 0 ? new TableColumn($"[grey]{c}[/]").NoWrap() : new TableColumn($"[grey]{c}[/]"))]);

    private static string Rate(double? rate) => rate is { } r ? r.ToString(r < 10 ? "0.0" : "0", CultureInfo.InvariantCulture) : "–";
}
