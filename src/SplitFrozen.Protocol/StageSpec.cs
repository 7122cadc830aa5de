namespace SplitFrozen.Protocol;

/// <summary>What is trained, and which of its blocks one stage holds.</summary>
/// <param name="ModelFingerprint">Hash of the model folder (hexadecimal), the same on all server nodes.</param>
/// <param name="Task">Which head the last stage carries.</param>
/// <param name="Labels">Number of labels; 0 for language modelling.</param>
/// <param name="Cut">The frozen line C.</param>
/// <param name="From">First block of the stage, from C.</param>
/// <param name="To">Block after its last.</param>
/// <param name="Rank">Rank of the adapters.</param>
/// <param name="Alpha">Their scale numerator.</param>
/// <param name="Dropout">Their dropout.</param>
/// <param name="LoraTargets">Modules with adapters; empty: the family's usual ones.</param>
/// <param name="WeightDecay">AdamW's weight decay.</param>
/// <param name="ClipNorm">Largest gradient norm; 0 for none.</param>
/// <param name="Seed">Seed of start values and dropout masks.</param>
/// <param name="Threads">Threads of a matrix product.</param>
public sealed record StageSpec(
    string ModelFingerprint, TaskKind Task, int Labels, int Cut, int From, int To, int Rank, double Alpha, double Dropout, string[] LoraTargets,
    double WeightDecay, double ClipNorm, long Seed, int Threads) : IValidated
{
    /// <inheritdoc/>
    public string? Fault() =>
        (ModelFingerprint is null || LoraTargets is null ? "a field is missing" : null)
        ?? Faults.Range("cut", Cut, 0, 100_000) ?? Faults.Range("first block", From, Cut, 100_000) ?? Faults.Range("end block", To, From + 1, 100_001)
        ?? Faults.Range("rank", Rank, 1, 100_000) ?? Faults.Range("labels", Labels, 0, 10_000_000) ?? Faults.Range("threads", Threads, 1, 4096)
        ?? (double.IsFinite(Alpha) && double.IsFinite(Dropout) && double.IsFinite(WeightDecay) && double.IsFinite(ClipNorm) ? null : "a value is not finite");
}
