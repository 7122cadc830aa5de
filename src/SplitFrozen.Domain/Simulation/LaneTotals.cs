namespace SplitFrozen.Domain.Simulation;

/// <summary>Adds up how busy lanes were.</summary>
internal sealed class LaneTotals(double totalSeconds)
{
    private readonly List<LaneReport> _reports = [];

    /// <summary>One report a kind.</summary>
    public IReadOnlyList<LaneReport> Reports => _reports;

    /// <summary>The lane that was busy longest.</summary>
    public BottleneckReport Bottleneck { get; private set; } = new("", "", -1);

    /// <summary>Adds the lanes of a kind, at least one.</summary>
    public LaneTotals Add(string kind, IEnumerable<(string Name, Lane Lane)> lanes)
    {
        var all = lanes.ToList();
        var longest = all.MaxBy(l => l.Lane.BusySeconds);
        var busy = all.Sum(l => l.Lane.BusySeconds);
        _reports.Add(new LaneReport(
            kind, all.Count, busy, longest.Lane.BusySeconds, 1 - Share(busy / all.Count), 1 - Share(longest.Lane.BusySeconds),
            1 - Share(all.Min(l => l.Lane.BusySeconds))));
        if (Share(longest.Lane.BusySeconds) > Bottleneck.BusyShare)
        {
            Bottleneck = new BottleneckReport(kind, longest.Name, Share(longest.Lane.BusySeconds));
        }

        return this;
    }

    private double Share(double seconds) => totalSeconds == 0 ? 0 : seconds / totalSeconds;
}
