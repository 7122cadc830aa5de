using SplitFrozen.Domain.Models;

namespace SplitFrozen.Domain.Scheduling;

/// <summary>Which server node holds which stage.</summary>
/// <param name="Server">Place of the server node in what the placement was made from; 0 is the main one.</param>
/// <param name="Blocks">The stage's blocks.</param>
public readonly record struct StagePlace(int Server, BlockRange Blocks)
{
    /// <summary>
    /// Places stages on server nodes. The main node has the first stage, since activations arrive there. With fewer stages than nodes the fastest others
    /// take part and the rest stay spare; with more, consecutive stages share a node, and its capacity. Boundaries follow capacities (<see cref="StagePartition"/>).
    /// </summary>
    /// <param name="stages">Number of stages p.</param>
    /// <param name="blocks">The trained blocks.</param>
    /// <param name="costs">Cost of each block, above 0.</param>
    /// <param name="rates">Cost a second of each server node, above 0, the main one first.</param>
    /// <returns>A place for each stage.</returns>
    public static IReadOnlyList<StagePlace> Choose(int stages, BlockRange blocks, IReadOnlyList<double> costs, IReadOnlyList<double> rates)
    {
        var used = Enumerable.Range(1, rates.Count - 1).OrderByDescending(server => rates[server]).Take(stages - 1).Order().Prepend(0).ToList();
        var servers = Enumerable.Range(0, stages).Select(stage => used[stage * used.Count / stages]).ToList();
        var ranges = StagePartition.Cut(blocks, costs, [.. servers.Select(server => rates[server] / servers.Count(s => s == server))]);
        return [.. servers.Zip(ranges, (server, range) => new StagePlace(server, range))];
    }

    /// <summary>Chooses a server node for a stage whose own was lost: the one that would be done soonest with all it has then.</summary>
    /// <param name="cost">Cost of the stage.</param>
    /// <param name="loads">Cost of the stages that each candidate has already.</param>
    /// <param name="rates">Cost a second of each candidate.</param>
    /// <returns>Place of the candidate; the first of equally good ones.</returns>
    public static int Replace(double cost, IReadOnlyList<double> loads, IReadOnlyList<double> rates) =>
        Enumerable.Range(0, rates.Count).MinBy(i => (loads[i] + cost) / rates[i]);
}
