using SplitFrozen.Domain.Sampling;
using SplitFrozen.Protocol;

namespace SplitFrozen.Domain.Pipeline;

/// <summary>
/// Says which grants may go out: in the order of the plan, over the end of epochs, and at most so many that are granted and not yet trained. This
/// bounds the samples in flight.
/// </summary>
public sealed class GrantWindow
{
    private readonly Func<int, EpochPlan> _plans;
    private readonly int _epochs;
    private readonly int _window;
    private readonly Dictionary<GrantId, int> _batchesLeft = [];
    private readonly Func<int, int, bool> _trained;
    private GrantId _next;

    /// <summary>A window with nothing granted.</summary>
    /// <param name="plans">The plan of an epoch; asked in order.</param>
    /// <param name="epochs">Epochs of the run.</param>
    /// <param name="window">Grants that may be in flight, at least 1.</param>
    /// <param name="epoch">The epoch to begin with.</param>
    /// <param name="trained">Whether a batch (epoch, number) was trained before: a grant of such batches alone does not go out.</param>
    public GrantWindow(Func<int, EpochPlan> plans, int epochs, int window, int epoch = 0, Func<int, int, bool>? trained = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(window, 1);
        (_plans, _epochs, _window, _next, _trained) = (plans, epochs, window, new GrantId(epoch, 0), trained ?? ((_, _) => false));
    }

    /// <summary>Samples granted and not yet trained.</summary>
    public int InFlightSamples { get; private set; }

    /// <summary>Grants that are not trained whole.</summary>
    public int InFlightGrants => _batchesLeft.Count;

    /// <summary>Opens the grants that may go out now.</summary>
    public IReadOnlyList<GrantId> Open()
    {
        var opened = new List<GrantId>();
        while (_batchesLeft.Count < _window && _next.Epoch < _epochs)
        {
            var plan = _plans(_next.Epoch);
            var (first, count) = plan.BatchesOf(_next.Number);
            var left = Enumerable.Range(first, count).Where(batch => !_trained(_next.Epoch, batch)).ToList();
            if (left.Count > 0)
            {
                _batchesLeft[_next] = left.Count;
                InFlightSamples += left.Sum(batch => plan.Batch(batch).Length);
                opened.Add(_next);
            }

            _next = _next.Number + 1 < plan.Grants ? _next with { Number = _next.Number + 1 } : new GrantId(_next.Epoch + 1, 0);
        }

        return opened;
    }

    /// <summary>A global batch was trained.</summary>
    /// <exception cref="InvalidOperationException">Its grant is not in flight.</exception>
    public void BatchTrained(int epoch, int batch)
    {
        var plan = _plans(epoch);
        var grant = new GrantId(epoch, plan.GrantOf(batch));
        if (!_batchesLeft.TryGetValue(grant, out var left))
        {
            throw new InvalidOperationException($"Batch {batch} of epoch {epoch} was trained without its grant {grant} being in flight.");
        }

        InFlightSamples -= plan.Batch(batch).Length;
        if (left == 1)
        {
            _batchesLeft.Remove(grant);
        }
        else
        {
            _batchesLeft[grant] = left - 1;
        }
    }
}
