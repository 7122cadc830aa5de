using SplitFrozen.Cli.Composing;
using SplitFrozen.Domain.Sampling;
using SplitFrozen.Protocol;

namespace SplitFrozen.Cli.Runs;

/// <summary>How shared training rows are spread, for partition.json.</summary>
/// <param name="Spec">What decides it.</param>
/// <param name="Result">What came of it; its hash tells whether two runs had the same split.</param>
internal sealed record PartitionRecord(PartitionSpec Spec, PartitionSummary Result)
{
    /// <summary>The record of a run's inputs.</summary>
    public static PartitionRecord Of(RunInputs inputs) => new(inputs.Spread, PartitionSummary.Of(inputs.Partition, inputs.Data.TrainLabels));
}
