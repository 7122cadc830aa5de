using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Sampling;

namespace SplitFrozen.Domain.Simulation;

/// <summary>What a made-up fleet is drawn from.</summary>
/// <param name="GigaFlops">10⁹ operations a second of a node.</param>
/// <param name="LinkMegabits">10⁶ bits a second of a link.</param>
/// <param name="LatencyMilliseconds">One-way delay.</param>
/// <param name="MemoryMegabytes">MiB of memory for frozen blocks, or null: no limit.</param>
/// <param name="Share">How much data a device has, relative to the others.</param>
/// <param name="Length">Tokens of a sample, cut off at the longest that the settings allow.</param>
public sealed record ProfileDistributions(
    Distribution GigaFlops, Distribution LinkMegabits, Distribution LatencyMilliseconds, Distribution? MemoryMegabytes, Distribution Share, Distribution Length);

/// <summary>Makes up a fleet: one device a node, each node from a random stream of its own, so that a larger fleet begins with the smaller one's devices.</summary>
public static class FleetDraw
{
    private const double Mebi = 1024 * 1024;

    /// <summary>Draws the nodes.</summary>
    public static IReadOnlyList<SimulatedNode> Nodes(int count, ProfileDistributions from, long seed) => [.. Enumerable.Range(0, count).Select(i =>
    {
        var random = SeededRandom.For(seed, "simulated node", i);
        return new SimulatedNode(
            SharedDevices.Id(i).Value, from.GigaFlops.Draw(random) * 1e9, from.LinkMegabits.Draw(random) * 1e6 / 8,
            from.LatencyMilliseconds.Draw(random) / 1000, from.MemoryMegabytes is { } memory ? (long)(memory.Draw(random) * Mebi) : null, []);
    })];

    /// <summary>Draws the devices' samples, a device for each node, so that there are exactly so many in all.</summary>
    /// <param name="nodes">The nodes, named by their devices' ids.</param>
    /// <param name="samples">Samples of all devices, at least 1.</param>
    /// <param name="from">Shares and lengths.</param>
    /// <param name="maxLength">Longest sample in tokens.</param>
    /// <param name="seed">Seed of the draws.</param>
    /// <param name="shares">How much data each device has, relative to the others; null: drawn.</param>
    public static IReadOnlyList<SimulatedDevice> Devices(
        IReadOnlyList<SimulatedNode> nodes, long samples, ProfileDistributions from, int maxLength, long seed, IReadOnlyList<double>? shares = null)
    {
        var counts = Spread(samples, [.. shares ?? [.. nodes.Select((_, i) => from.Share.Draw(SeededRandom.For(seed, "simulated share", i)))]]);
        return [.. nodes.Select((node, i) =>
        {
            var random = SeededRandom.For(seed, "simulated lengths", i);
            var lengths = new int[counts[i]];
            for (var s = 0; s < lengths.Length; s++)
            {
                lengths[s] = (int)Math.Clamp(Math.Round(from.Length.Draw(random)), 1, maxLength);
            }

            return new SimulatedDevice(new Protocol.DeviceId(node.Name), i, lengths);
        }).OrderBy(d => d.Id)];
    }

    /// <summary>Cuts a whole number by shares: each cut is rounded where the running sum falls, so that nothing is lost.</summary>
    private static int[] Spread(long total, double[] shares)
    {
        var (sum, all, given) = (0.0, shares.Sum(), 0L);
        return Array.ConvertAll(shares, share =>
        {
            sum += share;
            var count = (long)Math.Round(total * Math.Min(1, sum / all)) - given;
            given += count;
            return checked((int)count);
        });
    }
}
