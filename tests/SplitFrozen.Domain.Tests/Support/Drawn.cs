using FsCheck;
using FsCheck.Fluent;

using SplitFrozen.Domain.Sampling;
using SplitFrozen.Protocol;

namespace SplitFrozen.Domain.Tests.Support;

/// <summary>Sizes of an epoch.</summary>
public sealed record EpochSizes(long Seed, int Epoch, int[] Counts, int BatchSize, int MicroBatchSize, int GrantBatches)
{
    public int Samples => Counts.Sum();

    public EpochPlan Plan() => EpochPlan.Create(Seed, Epoch, Counts, BatchSize, MicroBatchSize, GrantBatches);
}

/// <summary>Rows with labels, and how they are spread.</summary>
public sealed record SpreadRows(int[] Labels, PartitionSpec Spec)
{
    public int Used => Spec.Limit > 0 ? Math.Min(Spec.Limit, Labels.Length) : Labels.Length;

    public Partition Split() => Partitioner.Split(Labels.Length, Labels, Spec);
}

/// <summary>Generators of the pure core's inputs.</summary>
public static class Drawn
{
    public static Arbitrary<EpochSizes> EpochSizes() => (
        from seed in Gen.Choose(0, int.MaxValue)
        from epoch in Gen.Choose(0, 20)
        from devices in Gen.Choose(1, 6)
        from counts in Gen.ArrayOf(Gen.Frequency((4, Gen.Choose(0, 40)), (1, Gen.Constant(0))), devices)
        from batch in Gen.Choose(1, 24)
        from micro in Gen.Choose(1, batch)
        from grant in Gen.Choose(1, 5)
        where counts.Sum() > 0
        select new EpochSizes(seed, epoch, counts, batch, micro, grant)).ToArbitrary();

    public static Arbitrary<SpreadRows> SpreadRows() => (
        from kind in Gen.Elements(Enum.GetValues<PartitionKind>())
        from devices in Gen.Choose(1, 8)
        from rows in Gen.Choose(2 * devices, 200)
        from labels in Gen.Choose(1, 12)
        from ofRows in Gen.ArrayOf(Gen.Choose(0, labels - 1), rows)
        from alpha in Gen.Elements(1e-3, 0.01, 0.1, 1, 100, 1e6)
        from share in Gen.Elements(0, 0.1, 0.5)
        from limit in Gen.Elements(0, 2 * devices, 1000)
        from seed in Gen.Choose(0, int.MaxValue)
        let perDevice = EpochPlan.StepsPerEpoch(labels, devices)
        from more in Gen.Choose(0, 3)
        select new SpreadRows(ofRows, new PartitionSpec(kind, devices, alpha, perDevice + more, share, limit, seed))).ToArbitrary();
}
