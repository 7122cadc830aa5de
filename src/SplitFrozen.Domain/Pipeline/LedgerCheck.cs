using SplitFrozen.Domain.Sampling;

namespace SplitFrozen.Domain.Pipeline;

/// <summary>How an epoch was trained, by its ledger.</summary>
/// <param name="Epoch">Training epoch, from 0.</param>
/// <param name="IsClosed">Whether the run says that it was trained to its end.</param>
/// <param name="Samples">Samples of the devices that it was drawn over.</param>
/// <param name="Trained">Samples trained.</param>
/// <param name="Struck">Samples that were struck from it, with the reason for each.</param>
/// <param name="Pending">Samples not trained yet: the epoch is not at its end.</param>
/// <param name="Faults">What should not be: samples trained twice, or missing without a reason, or that no device has.</param>
public sealed record EpochAccount(
    int Epoch, bool IsClosed, long Samples, long Trained, IReadOnlyList<StruckSamples> Struck, long Pending, IReadOnlyList<string> Faults)
{
    /// <summary>Whether each sample was trained once.</summary>
    public bool IsExact => Trained == Samples && Faults.Count == 0;

    /// <summary>Samples that were trained later than the plan has them, or are to be.</summary>
    public long PutOff { get; init; }
}

/// <summary>Samples of a device that were struck from an epoch.</summary>
/// <param name="Device">The device.</param>
/// <param name="Samples">Indices of its samples.</param>
/// <param name="Reason">Why.</param>
public sealed record StruckSamples(string Device, IReadOnlyList<int> Samples, string Reason);

/// <summary>Proves from a ledger that each sample was trained once an epoch, or says what is missing or doubled.</summary>
public static class LedgerCheck
{
    /// <summary>Faults told of an epoch; more are counted only.</summary>
    private const int MostFaults = 20;

    /// <summary>The account of each epoch that something was trained of, in order.</summary>
    public static IReadOnlyList<EpochAccount> Of(IEnumerable<LedgerRecord> records)
    {
        var epochs = new SortedDictionary<int, Epoch>();
        var steps = 0;
        foreach (var record in records)
        {
            switch (record)
            {
                case LedgerRecord.Drawn drawn:
                    epochs[drawn.Epoch] = new Epoch(drawn.Roster);
                    break;
                case LedgerRecord.Trained trained:
                    Find(epochs, trained.Epoch).Train(trained, steps++);
                    break;
                case LedgerRecord.Removed removed:
                    Find(epochs, removed.Epoch).Remove(removed);
                    break;
                case LedgerRecord.Closed closed:
                    Find(epochs, closed.Epoch).IsClosed = true;
                    break;
            }
        }

        return [.. epochs.Where(e => e.Value.IsClosed || e.Value.IsBegun).Select(e => e.Value.Account(e.Key))];
    }

    private static Epoch Find(SortedDictionary<int, Epoch> epochs, int epoch) =>
        epochs.TryGetValue(epoch, out var found) ? found : epochs[epoch] = new Epoch([]);

    private sealed class Epoch(IReadOnlyList<RosterEntry> roster)
    {
        private readonly Dictionary<PlanSample, int> _trained = [];
        private readonly HashSet<PlanSample> _gone = [];
        private readonly HashSet<PlanSample> _putOff = [];
        private readonly List<StruckSamples> _struck = [];
        private readonly List<string> _faults = [];
        private int _moreFaults;

        public bool IsClosed { get; set; }

        public bool IsBegun => _trained.Count > 0 || _struck.Count > 0 || _faults.Count > 0;

        public void Train(LedgerRecord.Trained trained, int expected)
        {
            if (trained.Step != expected)
            {
                Fault($"step {trained.Step} stands where step {expected} should");
            }

            if (trained.MicroBatches.Sum() != trained.Samples.Count)
            {
                Fault($"the micro-batches of step {trained.Step} do not add up to its samples");
            }

            foreach (var sample in trained.Samples)
            {
                if (Known(sample, $"step {trained.Step} trains") && !_trained.TryAdd(sample, trained.Step))
                {
                    Fault($"sample {sample.Index} of {Name(sample.Device)} was trained in step {_trained[sample]} and again in step {trained.Step}");
                }

                if (_gone.Contains(sample))
                {
                    Fault($"sample {sample.Index} of {Name(sample.Device)} was struck and yet trained in step {trained.Step}");
                }
            }
        }

        public void Remove(LedgerRecord.Removed removed)
        {
            if (removed.PutOff)
            {
                PutOff(removed);
                return;
            }

            _struck.Add(new StruckSamples(Name(removed.Device), removed.Samples, removed.Reason));
            foreach (var sample in removed.Samples.Select(index => new PlanSample(removed.Device, index)))
            {
                if (Known(sample, "a line strikes") && (!_gone.Add(sample) || _trained.ContainsKey(sample)))
                {
                    Fault($"sample {sample.Index} of {Name(sample.Device)} was struck though it was trained or struck before");
                }
            }
        }

        public EpochAccount Account(int epoch)
        {
            var samples = roster.Sum(r => (long)r.Samples);
            var missing = IsClosed ? Missing() : [];
            foreach (var sample in missing)
            {
                Fault($"sample {sample.Index} of {Name(sample.Device)} was not trained, and nothing says why");
            }

            IReadOnlyList<string> faults = _moreFaults > 0 ? [.. _faults, $"and {_moreFaults} more"] : _faults;
            return new EpochAccount(epoch, IsClosed, samples, _trained.Count, _struck, IsClosed ? 0 : samples - _trained.Count - _gone.Count, faults)
            {
                PutOff = _putOff.Count,
            };
        }

        /// <summary>A run that was cut off and resumed may put off again what it had before.</summary>
        private void PutOff(LedgerRecord.Removed removed)
        {
            foreach (var sample in removed.Samples.Select(index => new PlanSample(removed.Device, index)).Where(s => Known(s, "a line puts off")))
            {
                _putOff.Add(sample);
                if (_trained.TryGetValue(sample, out var step))
                {
                    Fault($"sample {sample.Index} of {Name(sample.Device)} was put off though it had been trained in step {step}");
                }
            }
        }

        private List<PlanSample> Missing() =>
        [
            .. roster.SelectMany((entry, device) => Enumerable.Range(0, entry.Samples).Select(index => new PlanSample(device, index)))
                .Where(s => !_trained.ContainsKey(s) && !_gone.Contains(s)),
        ];

        private bool Known(PlanSample sample, string what)
        {
            if (sample.Device >= 0 && sample.Device < roster.Count && sample.Index >= 0 && sample.Index < roster[sample.Device].Samples)
            {
                return true;
            }

            Fault($"{what} sample {sample.Index} of {Name(sample.Device)}, which the epoch does not have");
            return false;
        }

        private string Name(int device) => device >= 0 && device < roster.Count ? roster[device].Device.Value : $"device number {device}";

        private void Fault(string fault)
        {
            if (_faults.Count < MostFaults)
            {
                _faults.Add(fault);
            }
            else
            {
                _moreFaults++;
            }
        }
    }
}
