using SplitFrozen.Domain.Data;

namespace SplitFrozen.Cli.Runs;

/// <summary>What a run is made from, apart from its configuration, for identity.json: a resumed run must find the same. Devices' data is told in the checkpoints.</summary>
/// <param name="Model">Fingerprint of the model folder.</param>
/// <param name="Evaluation">Fingerprint of the evaluation set.</param>
/// <param name="Validation">Fingerprint of the validation set.</param>
/// <param name="Partition">Hash of how shared rows are spread.</param>
internal sealed record RunIdentity(string Model, string Evaluation, string Validation, string Partition)
{
    /// <summary>The identity of a run.</summary>
    public static RunIdentity Of(string model, HeldOutSets sets, PartitionRecord partition) => new(
        model, DataFingerprint.Of(sets.Evaluation), DataFingerprint.Of(sets.Validation), partition.Result.Sha256);
}
