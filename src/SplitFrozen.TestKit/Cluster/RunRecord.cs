using System.Collections.Concurrent;

using SplitFrozen.Domain.Runs;

namespace SplitFrozen.TestKit.Cluster;

/// <summary>Keeps the events of a run, over all lives of its server.</summary>
/// <param name="told">Told of each event after it was noted; what it throws ends the server's life.</param>
internal sealed class RunRecord(Action<RunEvent> told) : IRunObserver
{
    private readonly ConcurrentQueue<RunEvent> _events = [];

    public IReadOnlyList<RunEvent> Events => [.. _events];

    /// <summary>Loss of each step; of one that was made again after a crash, the last.</summary>
    public IReadOnlyDictionary<int, double> LossByStep
    {
        get
        {
            var losses = new SortedDictionary<int, double>();
            foreach (var step in _events.OfType<RunEvent.StepDone>())
            {
                losses[step.Step] = step.Score.LossSum;
            }

            return losses;
        }
    }

    public void On(RunEvent e)
    {
        _events.Enqueue(e);
        told(e);
    }
}
