using System.Text.Json.Serialization;

using SplitFrozen.Cli.Composing;
using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Sampling;
using SplitFrozen.Protocol;

namespace SplitFrozen.Cli.Runs;

/// <summary>How shared training rows are spread, for partition.json.</summary>
/// <param name="Spec">What decides it.</param>
/// <param name="Result">What came of it; its hash tells whether two runs had the same split.</param>
internal sealed record PartitionRecord(PartitionSpec Spec, PartitionSummary Result)
{
    /// <summary>The rows themselves, for partition-rows.json, or null.</summary>
    [JsonIgnore]
    public PartitionFile? File { get; init; }

    /// <summary>The record of a run's inputs.</summary>
    public static PartitionRecord Of(RunInputs inputs) => new(inputs.Spread, PartitionSummary.Of(inputs.Partition, inputs.Data.TrainLabels))
    {
        File = PartitionFile.Of(inputs.Partition, inputs.Data.Rows(DataSplit.Train), inputs.Data.TrainLabels),
    };
}
