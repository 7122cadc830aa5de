using SplitFrozen.Actors.Channel;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Pipeline;
using SplitFrozen.Domain.Runs;
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
    private readonly Lazy<Reference> _reference;

    internal TestRun(
        TestClusterOptions options, Settings settings, RunSummary summary, IReadOnlyList<RunEvent> events, IReadOnlyDictionary<int, double> losses,
        IReadOnlyList<LedgerRecord> ledger, IReadOnlyList<StageCall> calls, FaultInjector faults, Lazy<Reference> reference)
    {
        (_options, _settings, Summary, Events, _losses, _ledger, _calls, _faults, _reference) =
            (options, settings, summary, events, losses, ledger, calls, faults, reference);
    }

    /// <summary>The run's summary.</summary>
    public RunSummary Summary { get; }

    /// <summary>All events, over all lives of the server.</summary>
    public IReadOnlyList<RunEvent> Events { get; }

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

    /// <summary>The trainer kept the order F, B, W of each micro-batch, and stepped when all was done; looked at since the server's last start.</summary>
    public TestRun ShouldKeepOrder()
    {
        foreach (var stage in _calls.GroupBy(c => c.Blocks))
        {
            Dictionary<int, string> done = [];
            foreach (var call in stage)
            {
                Require(IsInOrder(done, call), $"{call.Operation} of micro-batch {call.MicroBatch} came after [{string.Join(", ", done)}].");
            }
        }

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

    /// <summary>Every fault of the plan has struck: without that a test of it shows nothing.</summary>
    public TestRun ShouldHaveStruck()
    {
        Require(_faults.IsDone, $"Of the plan only [{string.Join("; ", Struck)}] has struck.");
        return this;
    }

    /// <summary>All invariants that hold under any faults: exactly once, equal to the run without faults, within the window, in order, nothing damaged read.</summary>
    public TestRun ShouldHoldInvariants() =>
        ShouldBeExactlyOnce().ShouldMatchFaultFreeRun().ShouldStayWithinWindow().ShouldKeepOrder().ShouldHaveRefusedMessages(0);

    private static bool IsInOrder(Dictionary<int, string> done, StageCall call)
    {
        var before = done.GetValueOrDefault(call.MicroBatch);
        switch (call.Operation)
        {
            case "Load":
                done.Clear();
                return true;
            case "Step":
                var all = done.Values.All(last => last == "W");
                done.Clear();
                return all;
            case "F" or "B" or "W":
                done[call.MicroBatch] = call.Operation;
                return before == call.Operation switch { "F" => null, "B" => "F", _ => "B" };
            default:
                return true;
        }
    }

    private void Require(bool holds, string problem)
    {
        if (!holds)
        {
            throw new FaultRunException(_options.Faults, problem);
        }
    }
}
