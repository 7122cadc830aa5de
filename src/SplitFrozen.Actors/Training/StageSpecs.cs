using SplitFrozen.Domain.Models;
using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Training;

/// <summary>Reads what a stage was told.</summary>
internal static class StageSpecs
{
    /// <summary>What the stage trains.</summary>
    public static TrainerSpec Trainer(this StageSpec spec) => new(
        spec.Task, spec.Labels, spec.Cut, new LoraSpec(spec.Rank, spec.Alpha, spec.Dropout, spec.LoraTargets), spec.WeightDecay, spec.ClipNorm, spec.Seed)
    {
        Stage = new BlockRange(spec.From, spec.To),
    };
}
