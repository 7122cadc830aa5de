using SplitFrozen.Domain.Sampling;

namespace SplitFrozen.Domain.Pipeline;

/// <summary>
/// Fills the micro-batches of one epoch with samples, one after another, and keeps account of each sample: awaited, here, given out, or struck. What a micro-batch is made of is
/// decided when it is given out: by the plan, by what is there, or by a record.
/// </summary>
public abstract class BatchFill
{
    private readonly SampleState[] _states;
    private readonly List<PlanSample[]> _given = [];
    private int _microBatches;

    /// <summary>An epoch of which nothing is here.</summary>
    /// <param name="plan">The epoch's plan.</param>
    /// <param name="batch">Place of the global batch to begin with.</param>
    /// <param name="trained">Samples that were trained before.</param>
    protected BatchFill(EpochPlan plan, int batch, IEnumerable<PlanSample> trained)
    {
        (Plan, Batch, _states) = (plan, batch, new SampleState[plan.Samples]);
        Left = plan.Samples;
        foreach (var sample in trained)
        {
            Set(PlaceOf(sample), SampleState.Given);
        }
    }

    private enum SampleState : byte
    {
        Awaited,
        Here,
        Given,
        Struck,
    }

    /// <summary>The epoch's plan.</summary>
    public EpochPlan Plan { get; }

    /// <summary>Place of the global batch at hand in the epoch.</summary>
    public int Batch { get; private set; }

    /// <summary>Micro-batches of the global batch at hand that were given out, in order.</summary>
    public IReadOnlyList<IReadOnlyList<PlanSample>> Given => _given;

    /// <summary>Samples that are here and not given out.</summary>
    public int Here { get; private set; }

    /// <summary>Samples that are neither given out nor struck.</summary>
    public int Left { get; private set; }

    /// <summary>Samples that were put off so far.</summary>
    public virtual int PutOff => 0;

    /// <summary>Whether the epoch is at its end.</summary>
    public abstract bool IsDone { get; }

    /// <summary>Whether all samples of the global batch at hand were struck, so that it is passed over.</summary>
    public virtual bool IsEmpty => false;

    /// <summary>Samples of the global batch at hand that are not here, in order.</summary>
    public abstract IEnumerable<PlanSample> Awaited { get; }

    /// <summary>The last grant that the global batch at hand needs samples of, or null where it needs none.</summary>
    public int? NeededGrant => Needed.Select(s => (int?)Plan.GrantAt(PlaceOf(s))).Max();

    /// <summary>Samples that the global batch at hand is made of if nothing is put off, in order; those given out are left out.</summary>
    protected abstract IEnumerable<PlanSample> Needed { get; }

    /// <summary>Begins the global batch at hand.</summary>
    /// <returns>How many micro-batches it has.</returns>
    public int Begin() => _microBatches = Size();

    /// <summary>Samples of a grant that are neither given out nor struck.</summary>
    public int LeftOf(int grant)
    {
        var left = 0;
        foreach (var sample in Plan.GrantSamples(grant))
        {
            left += IsLeft(sample) ? 1 : 0;
        }

        return left;
    }

    /// <summary>Whether a sample that was granted counts in the window until it is trained.</summary>
    public virtual bool IsInWindow(PlanSample sample) => true;

    /// <summary>Samples have come. Those that were here, given out or struck before are passed over.</summary>
    public void Arrived(IEnumerable<PlanSample> samples)
    {
        foreach (var place in samples.Select(PlaceOf).Where(p => _states[p] == SampleState.Awaited))
        {
            Set(place, SampleState.Here);
        }
    }

    /// <summary>Samples that are not here are not part of the epoch any more.</summary>
    public void Strike(IEnumerable<PlanSample> samples)
    {
        foreach (var place in samples.Select(PlaceOf).Where(p => _states[p] == SampleState.Awaited))
        {
            Set(place, SampleState.Struck);
        }
    }

    /// <summary>Whether the next micro-batch can be given out.</summary>
    /// <param name="isLate">Whether training has waited for it long enough to put off what is missing.</param>
    public bool CanGive(bool isLate) => _given.Count < _microBatches && Choose(isLate) is not null;

    /// <summary>Gives out the next micro-batch of the global batch at hand.</summary>
    /// <exception cref="InvalidOperationException">It is not complete.</exception>
    public PlanSample[] Give()
    {
        var samples = Choose(isLate: true) ?? throw new InvalidOperationException($"Micro-batch {_given.Count} of batch {Batch} of epoch {Plan.Epoch} is not complete.");
        foreach (var sample in samples)
        {
            Set(PlaceOf(sample), SampleState.Given);
        }

        _given.Add(samples);
        OnGiven(samples);
        return samples;
    }

    /// <summary>The global batch at hand is trained, or passed over.</summary>
    public void End()
    {
        _given.Clear();
        _microBatches = 0;
        Batch++;
    }

    /// <summary>Settles the size of the global batch at hand.</summary>
    /// <returns>How many micro-batches it has.</returns>
    protected abstract int Size();

    /// <summary>Chooses the samples of the next micro-batch.</summary>
    /// <param name="isLate">Whether what is missing may be put off.</param>
    /// <returns>The samples; null: it is to be waited.</returns>
    protected abstract PlanSample[]? Choose(bool isLate);

    /// <summary>A micro-batch was given out.</summary>
    protected virtual void OnGiven(PlanSample[] samples)
    {
    }

    /// <summary>Whether a sample is here and not given out.</summary>
    protected bool IsHere(PlanSample sample) => _states[PlaceOf(sample)] == SampleState.Here;

    /// <summary>Whether a sample was struck.</summary>
    protected bool IsStruck(PlanSample sample) => _states[PlaceOf(sample)] == SampleState.Struck;

    /// <summary>Whether a sample is neither given out nor struck.</summary>
    protected bool IsLeft(PlanSample sample) => _states[PlaceOf(sample)] <= SampleState.Here;

    private int PlaceOf(PlanSample sample) =>
        Plan.PlaceOf(sample) ?? throw new ArgumentException($"Epoch {Plan.Epoch} has no sample {sample.Index} of device {sample.Device}.", nameof(sample));

    private void Set(int place, SampleState state)
    {
        Here += (state == SampleState.Here ? 1 : 0) - (_states[place] == SampleState.Here ? 1 : 0);
        Left -= state > SampleState.Here && _states[place] <= SampleState.Here ? 1 : 0;
        _states[place] = state;
    }
}

/// <summary>Strict order: global batches and micro-batches are those of the plan, without what was struck; what is missing is waited for.</summary>
public sealed class PlanFill(EpochPlan plan, int batch = 0, IEnumerable<PlanSample>? trained = null) : BatchFill(plan, batch, trained ?? [])
{
    /// <inheritdoc/>
    public override bool IsDone => Batch == Plan.Batches;

    /// <inheritdoc/>
    public override bool IsEmpty => !IsDone && Array.TrueForAll(Plan.Batch(Batch).ToArray(), IsStruck);

    /// <inheritdoc/>
    public override IEnumerable<PlanSample> Awaited => Needed.Where(s => !IsHere(s));

    /// <inheritdoc/>
    protected override IEnumerable<PlanSample> Needed => IsDone ? [] : Plan.Batch(Batch).ToArray().Where(IsLeft);

    /// <inheritdoc/>
    protected override int Size() => Plan.MicroBatches(Batch);

    /// <inheritdoc/>
    protected override PlanSample[]? Choose(bool isLate)
    {
        var samples = Array.FindAll(Plan.MicroBatch(Batch, Given.Count).ToArray(), s => !IsStruck(s));
        return Array.TrueForAll(samples, IsHere) ? samples : null;
    }
}

/// <summary>
/// Relaxed order: micro-batches are filled by <see cref="StragglerRule"/>. Global batches have the plan's sizes, so that there are as many; what is put off comes in a later one of
/// the epoch, before anything of a grant that goes out only when it is trained. A device of which something is put off is not waited for again until that has come. What a
/// lost device owes can be put to the end of the epoch.
/// </summary>
public sealed class PutOffFill(EpochPlan plan, int batch = 0, IEnumerable<PlanSample>? trained = null) : BatchFill(plan, batch, trained ?? [])
{
    private readonly HashSet<PlanSample> _putOff = [];
    private readonly HashSet<PlanSample> _atEnd = [];
    private int _counted;
    private int _first;
    private int _size;

    /// <inheritdoc/>
    public override int PutOff => _counted;

    /// <inheritdoc/>
    public override bool IsDone => Left == 0 && Given.Count == 0;

    /// <inheritdoc/>
    public override IEnumerable<PlanSample> Awaited => Needed.Where(s => !IsHere(s));

    /// <summary>Samples that the micro-batch given out last was filled without, though the plan has them before its last one; in the order of the plan, each told once.</summary>
    public IReadOnlyList<PlanSample> PassedOver { get; private set; } = [];

    /// <inheritdoc/>
    protected override IEnumerable<PlanSample> Needed =>
        LeftInOrder().Where(s => !IsOwed(s)).Concat(LeftInOrder().Where(IsOwed)).Take(Plan.BatchSize - Given.Sum(g => g.Count));

    /// <summary>Devices that training waits for while nothing else is to come: all that is left and not here was put to the end.</summary>
    public IReadOnlyCollection<int> AwaitedAtEnd
    {
        get
        {
            var awaited = new SortedSet<int>();
            foreach (var sample in _atEnd.Count == 0 ? [] : LeftInOrder().Where(s => !IsHere(s)))
            {
                if (!_atEnd.Contains(sample))
                {
                    return [];
                }

                awaited.Add(sample.Device);
            }

            return awaited;
        }
    }

    /// <inheritdoc/>
    public override bool IsInWindow(PlanSample sample) => !_atEnd.Contains(sample);

    /// <summary>Puts samples that are granted and not here to the end of the epoch: nothing is held back for them any more, and they are trained when they come.</summary>
    /// <returns>Those that were not there before.</returns>
    public IReadOnlyList<PlanSample> PutToEnd(IEnumerable<PlanSample> samples)
    {
        List<PlanSample> put = [.. samples.Where(s => IsLeft(s) && !IsHere(s)).Where(_atEnd.Add)];
        _counted += put.Count(_putOff.Add);
        return put;
    }

    /// <inheritdoc/>
    protected override int Size()
    {
        _size = Math.Min(Plan.BatchSize, Left);
        return EpochPlan.StepsPerEpoch(_size, Plan.MicroBatchSize);
    }

    /// <inheritdoc/>
    protected override void OnGiven(PlanSample[] samples)
    {
        var last = samples.Length > 0 ? Plan.PlaceOf(samples[^1])!.Value : 0;
        PassedOver = [.. LeftInOrder().TakeWhile(s => Plan.PlaceOf(s) < last).Where(_putOff.Add)];
        _counted += PassedOver.Count;
    }

    /// <inheritdoc/>
    protected override PlanSample[]? Choose(bool isLate)
    {
        // Samples may have been struck since the batch was begun.
        var size = Math.Min(Left, Math.Min(Plan.MicroBatchSize, _size - (Given.Count * Plan.MicroBatchSize)));
        if (Here < size)
        {
            return null;
        }

        _putOff.RemoveWhere(s => IsHere(s) || !IsLeft(s));
        var late = _putOff.Select(s => s.Device).ToHashSet();
        return StragglerRule.Choose(LeftInOrder(), IsHere, size, s => isLate || late.Contains(s.Device) || _atEnd.Contains(s));
    }

    /// <summary>Whether a sample was put to the end and is not here.</summary>
    private bool IsOwed(PlanSample sample) => _atEnd.Contains(sample) && !IsHere(sample);

    private IEnumerable<PlanSample> LeftInOrder()
    {
        while (_first < Plan.Samples && !IsLeft(Plan.At(_first)))
        {
            _first++;
        }

        return Enumerable.Range(_first, Plan.Samples - _first).Select(Plan.At).Where(IsLeft);
    }
}

/// <summary>The order of a run that was recorded: each micro-batch is made of what it was made of then.</summary>
/// <param name="plan">The epoch's plan: grants go out by it.</param>
/// <param name="recorded">The global batches of the epoch, in order.</param>
/// <param name="batch">Place of the global batch to begin with.</param>
/// <param name="trained">Samples that were trained before.</param>
public sealed class RecordedFill(EpochPlan plan, IReadOnlyList<LedgerRecord.Trained> recorded, int batch = 0, IEnumerable<PlanSample>? trained = null)
    : BatchFill(plan, batch, trained ?? [])
{
    /// <inheritdoc/>
    public override bool IsDone => Batch == recorded.Count;

    /// <inheritdoc/>
    public override IEnumerable<PlanSample> Awaited => Needed.Where(s => !IsHere(s));

    /// <inheritdoc/>
    protected override IEnumerable<PlanSample> Needed => IsDone ? [] : recorded[Batch].Samples.Where(IsLeft);

    /// <inheritdoc/>
    protected override int Size() => recorded[Batch].MicroBatches.Count;

    /// <inheritdoc/>
    protected override PlanSample[]? Choose(bool isLate)
    {
        var sizes = recorded[Batch].MicroBatches;
        PlanSample[] samples = [.. recorded[Batch].Samples.Skip(sizes.Take(Given.Count).Sum()).Take(sizes[Given.Count])];
        return Array.TrueForAll(samples, IsHere) ? samples : null;
    }
}
