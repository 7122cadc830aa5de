namespace SplitFrozen.Domain.Sampling;

/// <summary>A sample's place in the data.</summary>
/// <param name="Device">Ordinal of the device among the epoch's devices, sorted by id.</param>
/// <param name="Index">Index into the device's samples.</param>
public readonly record struct PlanSample(int Device, int Index);

/// <summary>
/// The order in which one epoch trains all samples of all devices: one uniformly random permutation unless another order is asked for, cut into global batches, those into
/// micro-batches, and consecutive global batches grouped into grants. A pure function of seed, epoch and the devices' sample counts.
/// </summary>
public sealed class EpochPlan
{
    private readonly PlanSample[] _order;
    private readonly int _grantBatches;
    private readonly Lazy<Dictionary<PlanSample, int>> _places;

    private EpochPlan(int epoch, PlanSample[] order, int batchSize, int microBatchSize, int grantBatches)
    {
        (Epoch, _order, BatchSize, MicroBatchSize, _grantBatches) = (epoch, order, batchSize, microBatchSize, grantBatches);
        Batches = StepsPerEpoch(order.Length, batchSize);
        Grants = StepsPerEpoch(Batches, grantBatches);
        _places = new Lazy<Dictionary<PlanSample, int>>(() => _order.Select((sample, place) => (sample, place)).ToDictionary(p => p.sample, p => p.place));
    }

    /// <summary>Training epoch, from 0.</summary>
    public int Epoch { get; }

    /// <summary>Samples of the epoch.</summary>
    public int Samples => _order.Length;

    /// <summary>Global batches.</summary>
    public int Batches { get; }

    /// <summary>Grants.</summary>
    public int Grants { get; }

    /// <summary>Samples of a global batch; the epoch's last may have fewer.</summary>
    public int BatchSize { get; }

    /// <summary>Samples of a micro-batch; a global batch's last may have fewer.</summary>
    public int MicroBatchSize { get; }

    /// <summary>Draws the plan of an epoch.</summary>
    /// <param name="seed">The run's seed.</param>
    /// <param name="epoch">Training epoch, from 0.</param>
    /// <param name="counts">Samples of each device, in the order of the devices' ids; some may be 0, not all.</param>
    /// <param name="batchSize">Samples of a global batch, at least 1.</param>
    /// <param name="microBatchSize">Samples of a micro-batch, from 1 to the batch size.</param>
    /// <param name="grantBatches">Global batches of a grant, at least 1.</param>
    /// <param name="sampleOrder">How samples are put into order.</param>
    /// <exception cref="UserErrorException">No device has a sample.</exception>
    public static EpochPlan Create(
        long seed, int epoch, IReadOnlyList<int> counts, int batchSize, int microBatchSize, int grantBatches, SampleOrder sampleOrder = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(microBatchSize, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(microBatchSize, batchSize);
        ArgumentOutOfRangeException.ThrowIfLessThan(grantBatches, 1);
        var order = counts.SelectMany((count, device) => Enumerable.Range(0, count).Select(index => new PlanSample(device, index))).ToArray();
        if (order.Length == 0)
        {
            throw new UserErrorException("No device has a training sample. Look at splitfrozen.data.path, .limit and .validation.");
        }

        sampleOrder.Apply(order, seed, epoch);
        return new EpochPlan(epoch, order, batchSize, microBatchSize, grantBatches);
    }

    /// <summary>How many groups of at most <paramref name="size"/> so many things make.</summary>
    public static int StepsPerEpoch(int count, int size) => (count + size - 1) / size;

    /// <summary>The samples of a global batch, in order.</summary>
    public ReadOnlySpan<PlanSample> Batch(int batch) => Slice(batch, Batches, _order, BatchSize);

    /// <summary>How many micro-batches a global batch has.</summary>
    public int MicroBatches(int batch) => StepsPerEpoch(Batch(batch).Length, MicroBatchSize);

    /// <summary>The samples of a micro-batch, in order.</summary>
    public ReadOnlySpan<PlanSample> MicroBatch(int batch, int index) => Slice(index, MicroBatches(batch), Batch(batch), MicroBatchSize);

    /// <summary>The sample at a place of the order, from 0.</summary>
    public PlanSample At(int place) => _order[place];

    /// <summary>The place of a sample in the order, or null where the epoch does not have it.</summary>
    public int? PlaceOf(PlanSample sample) => _places.Value.TryGetValue(sample, out var place) ? place : null;

    /// <summary>The grant that the sample at a place of the order belongs to.</summary>
    public int GrantAt(int place) => GrantOf(place / BatchSize);

    /// <summary>The grant that a global batch belongs to.</summary>
    public int GrantOf(int batch) => batch / _grantBatches;

    /// <summary>The global batches [First, First + Count) of a grant.</summary>
    public (int First, int Count) BatchesOf(int grant)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(grant);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(grant, Grants);
        var first = grant * _grantBatches;
        return (first, Math.Min(_grantBatches, Batches - first));
    }

    /// <summary>All samples of a grant, in order.</summary>
    public ReadOnlySpan<PlanSample> GrantSamples(int grant)
    {
        var (first, count) = BatchesOf(grant);
        var start = first * BatchSize;
        return _order.AsSpan(start, Math.Min(count * BatchSize, _order.Length - start));
    }

    /// <summary>The indices of one device's samples in a grant, in order; empty if it has none there.</summary>
    public int[] GrantSamples(int grant, int device)
    {
        var indices = new List<int>();
        foreach (var sample in GrantSamples(grant))
        {
            if (sample.Device == device)
            {
                indices.Add(sample.Index);
            }
        }

        return [.. indices];
    }

    private static ReadOnlySpan<PlanSample> Slice(int group, int groups, ReadOnlySpan<PlanSample> of, int size)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(group);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(group, groups);
        return of.Slice(group * size, Math.Min(size, of.Length - (group * size)));
    }
}
