using SplitFrozen.Domain.Sampling;

namespace SplitFrozen.Domain.Simulation;

/// <summary>Which micro-batches of one epoch have all their samples at the frozen line.</summary>
internal sealed class EpochBook
{
    private readonly int[] _missing;
    private readonly bool[] _settled;
    private readonly HashSet<int> _struck = [];
    private readonly int _microBatches;
    private readonly Action<EpochBook, int, int> _ready;

    /// <param name="plan">The epoch's order.</param>
    /// <param name="devices">Index of the device of each ordinal of the plan.</param>
    /// <param name="ready">Told the batch and the micro-batch that became complete.</param>
    public EpochBook(EpochPlan plan, IReadOnlyList<int> devices, Action<EpochBook, int, int> ready)
    {
        (Plan, Devices, _ready) = (plan, devices, ready);
        _microBatches = EpochPlan.StepsPerEpoch(plan.BatchSize, plan.MicroBatchSize);
        _missing = new int[plan.Batches * _microBatches];
        _settled = new bool[plan.Samples];
        for (var batch = 0; batch < plan.Batches; batch++)
        {
            for (var micro = 0; micro < plan.MicroBatches(batch); micro++)
            {
                _missing[(batch * _microBatches) + micro] = plan.MicroBatch(batch, micro).Length;
            }
        }
    }

    /// <summary>The epoch's order.</summary>
    public EpochPlan Plan { get; }

    /// <summary>Index of the device of each ordinal of the plan.</summary>
    public IReadOnlyList<int> Devices { get; }

    /// <summary>Samples that were placed out of the store.</summary>
    public long Supplied { get; set; }

    /// <summary>Bytes that devices sent for the epoch.</summary>
    public double BytesSent { get; set; }

    /// <summary>Whether a micro-batch can be trained.</summary>
    public bool IsReady(int batch, int micro) => _missing[(batch * _microBatches) + micro] == 0;

    /// <summary>Samples reached the frozen line, or never will.</summary>
    /// <exception cref="InvalidOperationException">One did before: a sample would be trained twice.</exception>
    public void Settle(IReadOnlyList<int> positions, bool isStruck)
    {
        foreach (var position in positions)
        {
            if (_settled[position])
            {
                throw new InvalidOperationException($"The sample at place {position} of epoch {Plan.Epoch} was placed twice.");
            }

            _settled[position] = true;
            var (batch, inBatch) = Math.DivRem(position, Plan.BatchSize);
            if (isStruck)
            {
                _struck.Add(position);
            }

            if (--_missing[(batch * _microBatches) + (inBatch / Plan.MicroBatchSize)] == 0)
            {
                _ready(this, batch, inBatch / Plan.MicroBatchSize);
            }
        }
    }

    /// <summary>The sample at a place of the plan.</summary>
    public PlanSample SampleAt(int position)
    {
        var (batch, inBatch) = Math.DivRem(position, Plan.BatchSize);
        return Plan.Batch(batch)[inBatch];
    }

    /// <summary>The samples of a batch that are trained.</summary>
    public ReadOnlySpan<PlanSample> Trained(int batch) => Without(batch * Plan.BatchSize, Plan.Batch(batch));

    /// <summary>The samples of a micro-batch that are trained.</summary>
    public ReadOnlySpan<PlanSample> Trained(int batch, int micro) =>
        Without((batch * Plan.BatchSize) + (micro * Plan.MicroBatchSize), Plan.MicroBatch(batch, micro));

    private ReadOnlySpan<PlanSample> Without(int first, ReadOnlySpan<PlanSample> samples)
    {
        if (_struck.Count == 0)
        {
            return samples;
        }

        var kept = new List<PlanSample>(samples.Length);
        for (var i = 0; i < samples.Length; i++)
        {
            if (!_struck.Contains(first + i))
            {
                kept.Add(samples[i]);
            }
        }

        return kept.ToArray();
    }
}
