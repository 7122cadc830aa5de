using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Models;

namespace SplitFrozen.Cli.Composing;

/// <summary>What a simulation needs of a run's model and data.</summary>
/// <param name="Shape">The model.</param>
/// <param name="Trainer">What is trained, and from which block on.</param>
/// <param name="Lengths">Tokens of each sample of each part of the data.</param>
internal sealed record FleetData(ModelShape Shape, TrainerSpec Trainer, IReadOnlyList<int[]> Lengths)
{
    /// <summary>The sizes of a run's inputs.</summary>
    public static FleetData Of(RunInputs inputs) => new(
        inputs.Model.Shape, inputs.Trainer,
        [.. inputs.Partition.Devices.Select(rows => inputs.Data.Encode(DataSplit.Train, rows).Select(s => s.Tokens.Length).ToArray())]);
}
