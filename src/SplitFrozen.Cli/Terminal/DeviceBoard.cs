using SplitFrozen.Domain.Runs;
using SplitFrozen.Protocol;

using Spectre.Console;

namespace SplitFrozen.Cli.Terminal;

/// <summary>What is known of the devices that joined, and the table that shows it.</summary>
internal sealed class DeviceBoard
{
    private readonly SortedDictionary<DeviceId, (RunEvent.DeviceJoined Joined, RunEvent.LayersAssigned? Layers)> _devices = [];

    /// <summary>Whether every device that joined has its layers.</summary>
    public bool IsComplete => _devices.Count > 0 && _devices.Values.All(d => d.Layers is not null);

    /// <summary>A device takes part.</summary>
    public void Note(RunEvent.DeviceJoined joined) =>
        _devices[joined.Device] = (joined, _devices.TryGetValue(joined.Device, out var known) ? known.Layers : null);

    /// <summary>A device got its layers.</summary>
    public void Note(RunEvent.LayersAssigned layers)
    {
        if (_devices.TryGetValue(layers.Device, out var known))
        {
            _devices[layers.Device] = (known.Joined, layers);
        }
    }

    /// <summary>The devices with their layers and the reasons.</summary>
    public Table Render()
    {
        var table = new Table().Border(TableBorder.Simple).AddColumns(
            Column("Device"), Column("Node"), Column("Samples").RightAligned(), Column("Layers").RightAligned(), new TableColumn("[grey]Why[/]"));
        foreach (var (device, (joined, layers)) in _devices)
        {
            table.AddRow(
                Markup.Escape(device.Value), Markup.Escape(joined.Node), Units.Number(joined.Samples), $"[bold]{layers?.Layers}[/]",
                $"[grey]{Markup.Escape(layers?.Reason ?? "")}[/]");
        }

        return table;
    }

    private static TableColumn Column(string name) => new TableColumn($"[grey]{name}[/]").NoWrap();
}
