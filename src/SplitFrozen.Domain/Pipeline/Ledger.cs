using SplitFrozen.Domain.Sampling;

namespace SplitFrozen.Domain.Pipeline;

/// <summary>Keeps account of what was trained: each sample once an epoch.</summary>
public sealed class Ledger
{
    private readonly HashSet<PlanSample> _trained = [];
    private int _epoch = -1;

    /// <summary>Samples trained over all epochs.</summary>
    public long SamplesTrained { get; private set; }

    /// <summary>Takes up the account of a run that is resumed.</summary>
    /// <param name="samplesTrained">Samples trained before, over all epochs.</param>
    /// <param name="epoch">The epoch at hand.</param>
    /// <param name="trained">What of it was trained.</param>
    public void Resume(long samplesTrained, int epoch, IEnumerable<PlanSample> trained)
    {
        (SamplesTrained, _epoch) = (samplesTrained, epoch);
        _trained.UnionWith(trained);
    }

    /// <summary>Notes a global batch. Epochs come in order; the account of an earlier one is closed.</summary>
    /// <exception cref="InvalidOperationException">A sample was trained before in this epoch.</exception>
    public void Trained(int epoch, int step, ReadOnlySpan<PlanSample> samples)
    {
        if (epoch != _epoch)
        {
            _trained.Clear();
            _epoch = epoch;
        }

        foreach (var sample in samples)
        {
            if (!_trained.Add(sample))
            {
                throw new InvalidOperationException($"Step {step} trains sample {sample.Index} of device {sample.Device} a second time in epoch {epoch}.");
            }
        }

        SamplesTrained += samples.Length;
    }

    /// <summary>Samples of the epoch's plan that were not trained.</summary>
    public IReadOnlyList<PlanSample> Missing(EpochPlan plan)
    {
        var missing = new List<PlanSample>();
        for (var batch = 0; batch < plan.Batches; batch++)
        {
            foreach (var sample in plan.Batch(batch))
            {
                if (plan.Epoch != _epoch || !_trained.Contains(sample))
                {
                    missing.Add(sample);
                }
            }
        }

        return missing;
    }
}
