using System.Globalization;

using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Sampling;

namespace SplitFrozen.TestKit.Faults;

/// <summary>The faults of a run: written down, or drawn from a seed. A value: the same seed is the same plan on every machine.</summary>
public sealed record FaultPlan
{
    /// <summary>So many frames out of order are a device's undoing: the server refuses it for good then.</summary>
    private const int MostOutOfOrder = 2;

    private readonly string? _drawn;

    private FaultPlan(IReadOnlyList<FaultRule> rules, long? seed, string? drawn) => (Rules, Seed, _drawn) = (rules, seed, drawn);

    /// <summary>No faults.</summary>
    public static FaultPlan None { get; } = new([], null, null);

    /// <summary>The faults.</summary>
    public IReadOnlyList<FaultRule> Rules { get; }

    /// <summary>What the plan was drawn from, or null: it was written.</summary>
    public long? Seed { get; }

    /// <summary>A plan that is written down.</summary>
    /// <exception cref="ArgumentException">A fault cannot happen at its point, or never strikes.</exception>
    public static FaultPlan Script(params FaultRule[] rules)
    {
        foreach (var rule in rules)
        {
            if (!FaultRule.IsSupported(rule.Point, rule.Kind))
            {
                throw new ArgumentException($"{rule.Kind} cannot happen at {rule.Point}.", nameof(rules));
            }

            if (rule.At < 0 || rule.Times < 1 || (rule.For < TimeSpan.Zero && rule.Kind != FaultKind.ClockJump))
            {
                throw new ArgumentException($"{rule}: At and For must not be negative, and Times not below 1.", nameof(rules));
            }
        }

        return new FaultPlan([.. rules], null, null);
    }

    /// <summary>A plan drawn at random, of faults that a run survives.</summary>
    /// <param name="seed">Decides all of it.</param>
    /// <param name="devices">How many devices there are, named as <see cref="SharedDevices"/> does.</param>
    /// <param name="faults">How many faults there are at most.</param>
    /// <param name="servers">How many server nodes there are.</param>
    public static FaultPlan Random(long seed, int devices = 2, int faults = 4, int servers = 1)
    {
        var possible = FaultRule.Supported.Where(f => servers > 1 || !FaultRule.NeedsServers(f.Point)).ToList();
        var random = SeededRandom.For(seed, "fault plan");
        var rules = new List<FaultRule>();
        var outOfOrder = 0;
        var wanted = 1 + random.Below(faults);
        while (rules.Count < wanted)
        {
            var (point, kind) = possible[random.Below(possible.Count)];
            var rule = Draw(random, point, kind, devices);
            if (point == FaultPoint.Channel && kind is FaultKind.Duplicate or FaultKind.Reorder && ++outOfOrder > MostOutOfOrder)
            {
                continue;
            }

            rules.Add(rule);
        }

        return new FaultPlan(rules, seed, string.Create(CultureInfo.InvariantCulture, $"FaultPlan.Random({seed}, devices: {devices}, faults: {faults}, servers: {servers})"));
    }

    /// <summary>A plan drawn at random for a formed cluster: nodes that are lost, and partitions that heal before anyone notices, before downing and after it.</summary>
    /// <param name="seed">Decides all of it.</param>
    /// <param name="devices">How many device nodes there are.</param>
    /// <param name="faults">How many faults there are at most.</param>
    /// <param name="servers">How many server nodes there are.</param>
    public static FaultPlan RandomForCluster(long seed, int devices = 2, int faults = 3, int servers = 1)
    {
        (FaultPoint Point, FaultKind Kind)[] possible =
        [
            (FaultPoint.Device, FaultKind.Crash), (FaultPoint.Device, FaultKind.Partition), (FaultPoint.ToServer, FaultKind.Partition),
            (FaultPoint.ToDevice, FaultKind.Partition), (FaultPoint.Server, FaultKind.Crash), (FaultPoint.StageNode, FaultKind.Crash),
        ];
        var random = SeededRandom.For(seed, "fault plan of a formed cluster");
        int[] seconds = [0, 2, 6];
        var rules = Enumerable.Range(0, 1 + random.Below(faults)).Select(_ =>
        {
            var (point, kind) = possible[random.Below(servers > 1 ? possible.Length : possible.Length - 1)];
            return new FaultRule(point, kind, random.Below(12))
            {
                Device = point is FaultPoint.Server or FaultPoint.StageNode ? null : SharedDevices.Id(random.Below(devices)),
                For = TimeSpan.FromSeconds(seconds[random.Below(seconds.Length)]) + TimeSpan.FromMilliseconds(100 + random.Below(500)),
            };
        }).ToList();
        return new FaultPlan(
            rules, seed, string.Create(CultureInfo.InvariantCulture, $"FaultPlan.RandomForCluster({seed}, devices: {devices}, faults: {faults}, servers: {servers})"));
    }

    /// <summary>The plan in words; of one that was drawn, the call that draws it again.</summary>
    public override string ToString() =>
        (_drawn is null ? "" : $"seed {Seed} ({_drawn} replays it): ") + (Rules.Count == 0 ? "no faults" : string.Join("; ", Rules));

    private static FaultRule Draw(SeededRandom random, FaultPoint point, FaultKind kind, int devices)
    {
        // A device says little in order beside heartbeats: it greets, is prepared, has loaded its layers.
        var at = random.Below(point == FaultPoint.ToServer ? 3 : 12);
        return new FaultRule(point, kind, at)
        {
            Device = point is FaultPoint.Server or FaultPoint.Stages or FaultPoint.StageNode ? null : SharedDevices.Id(random.Below(devices)),
            For = kind == FaultKind.ClockJump ? TimeSpan.FromSeconds(random.Below(7200) - 3600) : TimeSpan.FromMilliseconds(5 + random.Below(random.Below(4) == 0 ? 20_000 : 120)),
            Times = kind == FaultKind.SlowDown ? 1 + random.Below(6) : 1,
        };
    }
}
