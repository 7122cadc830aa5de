using SplitFrozen.Actors.Channel;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Pipeline;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Domain.Scheduling;
using SplitFrozen.TestKit.Faults;

namespace SplitFrozen.TestKit.Cluster;

/// <summary>What came of a run, and the assertions on it. Each throws a <see cref="FaultRunException"/> that tells the plan, and gives the run back otherwise.</summary>
public sealed class TestRun
{
    private readonly TestClusterOptions _options;
    private readonly Settings _settings;
    private readonly IReadOnlyDictionary<int, double> _losses;
    private readonly IReadOnlyList<LedgerRecord> _ledger;
    private readonly IReadOnlyList<StageCall> _calls;
    private readonly FaultInjector _faults;
    private readonly FrozenWatch _frozen;
    private readonly Lazy<Reference> _reference;

    internal TestRun(
        TestClusterOptions options, Settings settings, RunSummary summary, IReadOnlyList<RunEvent> events, IReadOnlyDictionary<int, double> losses,
        IReadOnlyList<LedgerRecord> ledger, IReadOnlyList<StageCall> calls, FaultInjector faults, FrozenWatch frozen, Lazy<Reference> reference, TimeSpan elapsed)
    {
        (_options, _settings, Summary, Events, _losses, _ledger, _calls, _faults, _frozen, _reference, Elapsed) =
            (options, settings, summary, events, losses, ledger, calls, faults, frozen, reference, elapsed);
    }

    /// <summary>The run's summary.</summary>
    public RunSummary Summary { get; }

    /// <summary>All events, over all lives of the server.</summary>
    public IReadOnlyList<RunEvent> Events { get; }

    /// <summary>How long the run took by the cluster's own time.</summary>
    public TimeSpan Elapsed { get; }

    /// <summary>The faults that have struck, in order.</summary>
    public IReadOnlyList<FaultRule> Struck => _faults.Struck;

    /// <summary>Which samples were trained in which step.</summary>
    public IReadOnlyList<LedgerRecord> Ledger => _ledger;

    /// <summary>By the ledger each sample was trained once an epoch, in every epoch.</summary>
    public TestRun ShouldBeExactlyOnce()
    {
        var epochs = LedgerCheck.Of(_ledger);
        Require(epochs.Count == _settings.Training.Epochs, $"{epochs.Count} of {_settings.Training.Epochs} epochs are in the ledger.");
        foreach (var epoch in epochs)
        {
            Require(epoch is { IsExact: true, IsClosed: true }, $"Epoch {epoch.Epoch}: {epoch.Trained} of {epoch.Samples} samples were trained. {string.Join("; ", epoch.Faults)}");
        }

        Require(Summary.SamplesTrained == Summary.SamplesExpected, $"The summary counts {Summary.SamplesTrained} of {Summary.SamplesExpected} samples.");
        return this;
    }

    /// <summary>Losses of all steps and the adapter's bytes are those of a single-process loop on the same plan, bit for bit.</summary>
    public TestRun ShouldMatchFaultFreeRun()
    {
        var reference = _reference.Value;
        Require(_losses.Count == reference.LossByStep.Count, $"{_losses.Count} steps were made, and {reference.LossByStep.Count} without faults.");
        foreach (var (step, loss) in reference.LossByStep)
        {
            Require(_losses[step].Equals(loss), $"The loss of step {step} is {_losses[step]:R}, and {loss:R} without faults.");
        }

        Require(Summary.AdapterSha256 == reference.AdapterSha256, "The adapter's bytes are not those of the run without faults.");
        return this;
    }

    /// <summary>Samples of all steps, losses and the adapter's bytes are those of another run, bit for bit; such as one that this one replays.</summary>
    public TestRun ShouldMatch(TestRun other)
    {
        var steps = _ledger.OfType<LedgerRecord.Trained>().Zip(other._ledger.OfType<LedgerRecord.Trained>());
        Require(_losses.Count == other._losses.Count, $"{_losses.Count} steps were made, and {other._losses.Count} by the other run.");
        Require(steps.All(s => s.First.Samples.SequenceEqual(s.Second.Samples)), "Another order was trained in than by the other run.");
        foreach (var (step, loss) in other._losses)
        {
            Require(_losses[step].Equals(loss), $"The loss of step {step} is {_losses[step]:R}, and {loss:R} in the other run.");
        }

        Require(Summary.AdapterSha256 == other.Summary.AdapterSha256, "The adapter's bytes are not those of the other run.");
        return this;
    }

    /// <summary>Never were more samples granted and not yet trained than the window allows.</summary>
    public TestRun ShouldStayWithinWindow()
    {
        var limit = _settings.Pipeline.Window * _settings.Pipeline.GrantBatches * _settings.Training.BatchSize;
        var most = Events.OfType<RunEvent.StepDone>().Max(s => s.InFlightSamples);
        Require(most <= limit, $"{most} samples were in flight, and the window is {limit}.");
        return this;
    }

    /// <summary>
    /// Each trainer stage kept the order F, B, W of each micro-batch, and stepped when all was done; B of a stage came after that of the stage above; no stage held the
    /// activations of more micro-batches than there are stages. Looked at since the server's last start.
    /// </summary>
    public TestRun ShouldKeepOrder()
    {
        var pipeline = _settings.Pipeline;
        var order = new StageOrder(pipeline.Schedule == ScheduleKind.GPipe ? int.MaxValue : pipeline.Stages + pipeline.PendingWeights);
        foreach (var call in _calls)
        {
            var fault = order.Fault(call);
            Require(fault is null, fault ?? "");
        }

        return this;
    }

    /// <summary>Frozen blocks gave the same bits at the end as when they were loaded, and nothing below the frozen line was trained.</summary>
    public TestRun ShouldKeepFrozen()
    {
        Require(_frozen.Looked > 0, "No frozen blocks were looked at.");
        Require(_frozen.Changed == 0, $"{_frozen.Changed} of {_frozen.Looked} frozen parts give other activations than when they were loaded.");
        var line = Summary.Cut;
        Require(_calls.All(c => c.Blocks.From >= line), $"Blocks below the frozen line {line} were trained: [{string.Join(", ", _calls.Select(c => c.Blocks).Distinct())}].");
        return this;
    }

    /// <summary>The activation channel refused frames of this kind, and said so in the summary of the server's last life.</summary>
    /// <param name="fault">Kind of fault.</param>
    /// <param name="count">How many at least.</param>
    public TestRun ShouldHaveRefused(FrameFault fault, int count = 1)
    {
        var refused = Summary.ChannelRefusals.GetValueOrDefault(fault.ToString());
        Require(refused >= count, $"{refused} frames were refused as {fault}, and {count} or more were to be.");
        return this;
    }

    /// <summary>The serializer refused every control message that was cut short, and so many there were at least.</summary>
    public TestRun ShouldHaveRefusedMessages(int count = 1)
    {
        Require(_faults.AcceptedDamage == 0, $"{_faults.AcceptedDamage} control messages were read from bytes that were cut short.");
        Require(_faults.RefusedMessages >= count, $"{_faults.RefusedMessages} control messages were refused, and {count} or more were to be.");
        return this;
    }

    /// <summary>
    /// What was damaged on the way was refused: each control message by the serializer, and a frame by the channel. Where other faults strike beside, such a frame may not have arrived
    /// at all; that none was taken is shown by the run's bits then (<see cref="ShouldMatchFaultFreeRun"/>).
    /// </summary>
    public TestRun ShouldRefuseDamage() =>
        ShouldHaveRefused(FrameFault.BadChecksum, Struck is [{ Point: FaultPoint.Channel, Kind: FaultKind.Corrupt }] ? 1 : 0)
            .ShouldHaveRefusedMessages(Struck.Count(r => r is { Point: FaultPoint.ToServer or FaultPoint.ToDevice, Kind: FaultKind.Corrupt }));

    /// <summary>Every fault of the plan has struck: without that a test of it shows nothing.</summary>
    public TestRun ShouldHaveStruck()
    {
        Require(_faults.IsDone, $"Of the plan only [{string.Join("; ", Struck)}] has struck.");
        return this;
    }

    /// <summary>
    /// All invariants that hold under any faults: exactly once, equal to the run without faults, within the window, frozen blocks unchanged, in order, nothing damaged read.
    /// </summary>
    public TestRun ShouldHoldInvariants() =>
        ShouldBeExactlyOnce().ShouldMatchFaultFreeRun().ShouldStayWithinWindow().ShouldKeepFrozen().ShouldKeepOrder().ShouldRefuseDamage();

    private void Require(bool holds, string problem)
    {
        if (!holds)
        {
            throw new FaultRunException(_options.Faults, problem);
        }
    }
}
