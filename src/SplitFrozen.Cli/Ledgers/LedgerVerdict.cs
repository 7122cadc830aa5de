using System.Text.Json.Serialization;

using SplitFrozen.Domain.Pipeline;

namespace SplitFrozen.Cli.Ledgers;

/// <summary>What a ledger proves; <c>ledger check --json</c> prints it.</summary>
/// <param name="Exact">Whether each sample of each epoch was trained once, and all epochs that were begun are whole.</param>
/// <param name="Words">The same in words.</param>
/// <param name="Damage">What is wrong with the file, or null.</param>
/// <param name="Epochs">The account of each epoch.</param>
internal sealed record LedgerVerdict(bool Exact, string Words, string? Damage, IReadOnlyList<EpochAccount> Epochs)
{
    /// <summary>How the program ends.</summary>
    [JsonIgnore]
    public ExitCode Code { get; private init; }

    /// <summary>Judges a ledger.</summary>
    public static LedgerVerdict Of(LedgerReading reading)
    {
        var epochs = LedgerCheck.Of(reading.Records);
        var damage = reading.Fault is null ? null
            : reading.IsTail ? $"The last line was cut off, as by a crash ({reading.Fault}); resuming the run cuts it away."
            : $"The ledger is damaged: {reading.Fault}. What follows was not read.";
        var (code, words) =
            !reading.IsTail || epochs.Any(e => e.Faults.Count > 0) ? (ExitCode.LedgerBroken, "Not proven: see the faults.")
            : epochs.Count == 0 ? (ExitCode.LedgerIncomplete, "Nothing was trained.")
            : epochs.All(e => e.IsExact) ? (ExitCode.Done, "Each sample was trained exactly once in each epoch.")
            : (ExitCode.LedgerIncomplete, "No sample was trained twice; those listed as struck or not yet trained are missing.");
        return new LedgerVerdict(code == ExitCode.Done, words, damage, epochs) { Code = code };
    }
}
