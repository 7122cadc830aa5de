using SplitFrozen.Domain.Sampling;
using SplitFrozen.Protocol;

namespace SplitFrozen.Domain.Pipeline;

/// <summary>
/// Says which grants may go out: in the order of the plan, over the end of epochs, and at most so many from the oldest that is not trained whole on. This
/// bounds the samples in flight, and how far samples can be put off.
/// </summary>
public sealed class GrantWindow
{
    private readonly Func<int, EpochPlan> _plans;
    private readonly int _epochs;
    private readonly int _window;
    private readonly Dictionary<GrantId, int> _left = [];
    private readonly Func<GrantId, int> _samples;

    /// <summary>Grants from the oldest that is not trained whole on: what is put off keeps later ones from going out.</summary>
    private readonly Queue<GrantId> _span = [];
    private GrantId _next;

    /// <summary>A window with nothing granted.</summary>
    /// <param name="plans">The plan of an epoch; asked in order.</param>
    /// <param name="epochs">Epochs of the run.</param>
    /// <param name="window">Grants that may be in flight, at least 1.</param>
    /// <param name="epoch">The epoch to begin with.</param>
    /// <param name="samples">How many samples of a grant are to be trained: those trained or struck before do not count, and a grant of such samples alone does not go out. Null: all.</param>
    public GrantWindow(Func<int, EpochPlan> plans, int epochs, int window, int epoch = 0, Func<GrantId, int>? samples = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(window, 1);
        (_plans, _epochs, _window, _next) = (plans, epochs, window, new GrantId(epoch, 0));
        _samples = samples ?? (grant => plans(grant.Epoch).GrantSamples(grant.Number).Length);
    }

    /// <summary>Samples granted and not yet trained.</summary>
    public int InFlightSamples { get; private set; }

    /// <summary>Grants that are not trained whole.</summary>
    public int InFlightGrants => _left.Count;

    /// <summary>Whether a grant is in flight.</summary>
    public bool IsOpen(GrantId grant) => _left.ContainsKey(grant);

    /// <summary>Opens the grants that may go out now.</summary>
    /// <param name="needed">A grant that goes out with all before it, however many are in flight: training cannot go on without. Null: none.</param>
    public IReadOnlyList<GrantId> Open(GrantId? needed = null)
    {
        var opened = new List<GrantId>();
        while (_next.Epoch < _epochs && (_span.Count < _window || (needed is { } last && _next.CompareTo(last) <= 0)))
        {
            var plan = _plans(_next.Epoch);
            var samples = _samples(_next);
            if (samples > 0)
            {
                _left[_next] = samples;
                InFlightSamples += samples;
                opened.Add(_next);
            }

            if (samples > 0 || _span.Count > 0)
            {
                _span.Enqueue(_next);
            }

            _next = _next.Number + 1 < plan.Grants ? _next with { Number = _next.Number + 1 } : new GrantId(_next.Epoch + 1, 0);
        }

        return opened;
    }

    /// <summary>A global batch was trained in the plan's order.</summary>
    /// <exception cref="InvalidOperationException">Its grant is not in flight.</exception>
    public void BatchTrained(int epoch, int batch)
    {
        var plan = _plans(epoch);
        Trained(new GrantId(epoch, plan.GrantOf(batch)), plan.Batch(batch).Length);
    }

    /// <summary>Samples of a grant were trained.</summary>
    /// <returns>Whether nothing is left of it.</returns>
    /// <exception cref="InvalidOperationException">So many samples of it are not in flight.</exception>
    public bool Trained(GrantId grant, int samples) => _left.TryGetValue(grant, out var left) && left >= samples
        ? Remove(grant, samples, left)
        : throw new InvalidOperationException($"{samples} samples of grant {grant} were trained, and {left} of it are in flight.");

    /// <summary>Samples are not trained at all; where their grant has not gone out yet, nothing is to be done.</summary>
    /// <returns>Whether nothing is left of the grant.</returns>
    public bool Struck(GrantId grant, int samples) => _left.TryGetValue(grant, out var left) && Remove(grant, samples, left);

    private bool Remove(GrantId grant, int samples, int left)
    {
        InFlightSamples -= samples;
        if (left > samples)
        {
            _left[grant] = left - samples;
            return false;
        }

        _left.Remove(grant);
        while (_span.TryPeek(out var oldest) && !_left.ContainsKey(oldest))
        {
            _span.Dequeue();
        }

        return true;
    }
}
