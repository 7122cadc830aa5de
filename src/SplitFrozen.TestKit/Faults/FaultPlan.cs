using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Sampling;

namespace SplitFrozen.TestKit.Faults;

/// <summary>The faults of a run: written down, or drawn from a seed. A value: the same seed is the same plan on every machine.</summary>
public sealed record FaultPlan
{
    /// <summary>So many frames out of order are a device's undoing: the server refuses it for good then.</summary>
    private const int MostOutOfOrder = 2;

    private FaultPlan(IReadOnlyList<FaultRule> rules, long? seed) => (Rules, Seed) = (rules, seed);

    /// <summary>No faults.</summary>
    public static FaultPlan None { get; } = new([], null);

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

            if (rule.At < 0 || rule.Times < 1 || rule.For < TimeSpan.Zero)
            {
                throw new ArgumentException($"{rule}: At and For must not be negative, and Times not below 1.", nameof(rules));
            }
        }

        return new FaultPlan([.. rules], null);
    }

    /// <summary>A plan drawn at random, of faults that a run survives.</summary>
    /// <param name="seed">Decides all of it.</param>
    /// <param name="devices">How many devices there are, named as <see cref="SharedDevices"/> does.</param>
    /// <param name="faults">How many faults there are at most.</param>
    public static FaultPlan Random(long seed, int devices = 2, int faults = 4)
    {
        var random = SeededRandom.For(seed, "fault plan");
        var rules = new List<FaultRule>();
        var outOfOrder = 0;
        var wanted = 1 + random.Below(faults);
        while (rules.Count < wanted)
        {
            var (point, kind) = FaultRule.Supported[random.Below(FaultRule.Supported.Count)];
            var rule = Draw(random, point, kind, devices);
            if (point == FaultPoint.Channel && kind is FaultKind.Duplicate or FaultKind.Reorder && ++outOfOrder > MostOutOfOrder)
            {
                continue;
            }

            rules.Add(rule);
        }

        return new FaultPlan(rules, seed);
    }

    /// <summary>The plan in words; of one that was drawn, the seed that draws it again.</summary>
    public override string ToString() =>
        (Seed is { } seed ? $"seed {seed} (FaultPlan.Random({seed}) replays it): " : "") + (Rules.Count == 0 ? "no faults" : string.Join("; ", Rules));

    private static FaultRule Draw(SeededRandom random, FaultPoint point, FaultKind kind, int devices)
    {
        // A device says little in order beside heartbeats: it greets, is prepared, has loaded its layers.
        var at = random.Below(point == FaultPoint.ToServer ? 3 : 12);
        return new FaultRule(point, kind, at)
        {
            Device = point == FaultPoint.Server ? null : SharedDevices.Id(random.Below(devices)),
            For = TimeSpan.FromMilliseconds(5 + random.Below(120)),
            Times = kind == FaultKind.SlowDown ? 1 + random.Below(6) : 1,
        };
    }
}
