using SplitFrozen.Actors.Coordination;
using SplitFrozen.Domain.Allocation;
using SplitFrozen.Domain.Codecs;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Costs;

namespace SplitFrozen.Actors.Allocation;

/// <summary>What the allocator of a run works with.</summary>
/// <param name="Policy">What decides.</param>
/// <param name="Settings">Bounds.</param>
/// <param name="Cut">The frozen line C.</param>
/// <param name="Sizes">Sizes of the work. How long samples are is not known before they come; they count as of the maximum length, which leaves ratios as they are.</param>
internal sealed record AllocationSetting(IAllocationPolicy Policy, AllocationSettings Settings, int Cut, WorkSizes Sizes)
{
    /// <summary>The setting of a run.</summary>
    public static AllocationSetting Of(ServerRun run)
    {
        var shape = run.Model.Shape;
        return new AllocationSetting(
            PolicyLoader.Load(run.Settings.Allocation), run.Settings.Allocation, run.Spec.Cut,
            new WorkSizes(run.Spec.MaxLength, RowCodec.RowBytes(run.Spec.Codec, shape.Width), (long)MemoryCosts.BlockWeights(shape, sizeof(float))));
    }
}
