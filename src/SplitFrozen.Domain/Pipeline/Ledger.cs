using SplitFrozen.Domain.Sampling;

namespace SplitFrozen.Domain.Pipeline;

/// <summary>Keeps account of what was trained: each sample once an epoch.</summary>
public sealed class Ledger
{
    private readonly HashSet<PlanSample> _trained = [];
    private int _epoch = -1;

    /// <summary>Samples trained over all epochs.</summary>
    public long SamplesTrained { get; private set; }

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
