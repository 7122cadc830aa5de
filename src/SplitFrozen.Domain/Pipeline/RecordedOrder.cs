using SplitFrozen.Domain.Sampling;
using SplitFrozen.Protocol;

namespace SplitFrozen.Domain.Pipeline;

/// <summary>The order that a run trained in, by its ledger: another run of the same configuration that trains in it comes to the same bytes.</summary>
public sealed class RecordedOrder
{
    private readonly Dictionary<int, Recorded> _epochs = [];

    private RecordedOrder(string path) => Path = path;

    /// <summary>The ledger.</summary>
    public string Path { get; }

    /// <summary>Reads a ledger.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="UserErrorException">It cannot be read, is damaged, proves that something was trained twice or not at all, or does not tell an epoch to its end.</exception>
    public static RecordedOrder Read(string path) => Of(path, LedgerFile.Read(path));

    /// <summary>The order that a ledger holds.</summary>
    /// <param name="path">Where it is, for messages.</param>
    /// <param name="reading">What was read.</param>
    /// <exception cref="UserErrorException">As for <see cref="Read"/>.</exception>
    public static RecordedOrder Of(string path, LedgerReading reading)
    {
        var epochs = LedgerCheck.Of(reading.Records);
        if (!reading.IsTail || epochs.SelectMany(e => e.Faults).Any())
        {
            throw new UserErrorException($"The ledger {path} cannot be replayed: {(reading.IsTail ? epochs.SelectMany(e => e.Faults).First() : reading.Fault)}. `splitfrozen ledger check` tells more.");
        }

        if (epochs.Count == 0 || epochs.FirstOrDefault(e => !e.IsClosed) is { })
        {
            throw new UserErrorException(epochs.Count == 0
                ? $"The ledger {path} cannot be replayed: nothing was trained."
                : $"The ledger {path} cannot be replayed: its run was stopped in epoch {epochs.First(e => !e.IsClosed).Epoch + 1}. Let the run go on to its end first (--resume).");
        }

        var order = new RecordedOrder(path);
        foreach (var epoch in epochs)
        {
            order._epochs[epoch.Epoch] = new Recorded(
                reading.Records.OfType<LedgerRecord.Drawn>().Last(d => d.Epoch == epoch.Epoch).Roster,
                [.. reading.Records.OfType<LedgerRecord.Trained>().Where(t => t.Epoch == epoch.Epoch)]);
        }

        return order;
    }

    /// <summary>The global batches of an epoch in the order in which they were trained, or null where the run did not come so far.</summary>
    public IReadOnlyList<LedgerRecord.Trained>? Batches(int epoch) => _epochs.GetValueOrDefault(epoch)?.Batches;

    /// <summary>Whether a device took part in an epoch; where the run did not come so far, any does.</summary>
    public bool TookPart(int epoch, DeviceId device) => !_epochs.TryGetValue(epoch, out var recorded) || recorded.Roster.Any(r => r.Device == device);

    /// <summary>The samples of an epoch that were not trained.</summary>
    public IReadOnlyList<PlanSample> NotTrained(EpochPlan plan)
    {
        if (Batches(plan.Epoch) is not { } batches)
        {
            return [];
        }

        var trained = batches.SelectMany(b => b.Samples).ToHashSet();
        return [.. Enumerable.Range(0, plan.Samples).Select(plan.At).Where(s => !trained.Contains(s))];
    }

    /// <summary>Refuses other devices than the epoch was trained with.</summary>
    /// <param name="epoch">Training epoch.</param>
    /// <param name="roster">The devices that take part now.</param>
    /// <exception cref="UserErrorException">They differ.</exception>
    public void Check(int epoch, IReadOnlyList<RosterEntry> roster)
    {
        if (_epochs.TryGetValue(epoch, out var recorded) && !recorded.Roster.SequenceEqual(roster))
        {
            throw new UserErrorException(
                $"Epoch {epoch + 1} cannot be replayed from {Path}: it was trained with {Text(recorded.Roster)}, and now there are {Text(roster)}. Start the run with the same devices and data (splitfrozen.start.min-devices, splitfrozen.data).");
        }
    }

    private static string Text(IReadOnlyList<RosterEntry> roster) => string.Join(", ", roster.Select(r => $"{r.Device} ({r.Samples} samples)"));

    private sealed record Recorded(IReadOnlyList<RosterEntry> Roster, IReadOnlyList<LedgerRecord.Trained> Batches);
}
