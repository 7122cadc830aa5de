using System.Diagnostics;

using SplitFrozen.Actors.Training;

namespace SplitFrozen.Actors.Baselines;

/// <summary>The devices of a node share what it can do: they compute one at a time, and at the node's emulated rate where it has one. Thread-safe; blocks.</summary>
/// <param name="gigaFlops">Emulated rate in 10⁹ floating-point operations a second, or null.</param>
internal sealed class NodeTurn(double? gigaFlops)
{
    private readonly Lock _turn = new();
    private readonly ServerPace? _pace = gigaFlops is { } rate ? new ServerPace(rate) : null;

    /// <summary>Computes when it is the caller's turn, for as long as the emulated node would.</summary>
    /// <param name="flops">Operations of the work by the cost model.</param>
    /// <param name="work">The work.</param>
    /// <returns>Seconds that it took, and whether it really took longer than emulated.</returns>
    public (double Seconds, bool Overran) Run(double flops, Action work)
    {
        lock (_turn)
        {
            var began = Stopwatch.GetTimestamp();
            work();
            var overran = _pace?.Finish(began, Stopwatch.GetTimestamp(), flops) ?? false;
            return (Stopwatch.GetElapsedTime(began).TotalSeconds, overran);
        }
    }
}
