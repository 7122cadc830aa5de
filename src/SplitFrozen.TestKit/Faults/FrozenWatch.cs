using System.Collections.Concurrent;

using SplitFrozen.Domain.Models;

namespace SplitFrozen.TestKit.Faults;

/// <summary>Looks whether frozen blocks stay what they were: each that a run has loaded runs a fixed batch when it is given up, and must give the bits of blocks just loaded.</summary>
/// <param name="model">The model.</param>
internal sealed class FrozenWatch(IModelSource model)
{
    private static readonly int[] Lengths = [3, 1];

    private readonly ConcurrentDictionary<int, float[]> _expected = new();
    private int _looked;
    private int _changed;

    /// <summary>Frozen parts that were looked at.</summary>
    public int Looked => _looked;

    /// <summary>Those that give other bits than at first.</summary>
    public int Changed => _changed;

    /// <summary>Frozen blocks are about to be given up.</summary>
    public void Look(IFrozenBlocks frozen)
    {
        var expected = _expected.GetOrAdd(frozen.Blocks, blocks =>
        {
            using var fresh = model.LoadFrozen(blocks);
            return Run(fresh);
        });
        Interlocked.Increment(ref _looked);
        if (!Run(frozen).AsSpan().SequenceEqual(expected))
        {
            Interlocked.Increment(ref _changed);
        }
    }

    private static float[] Run(IFrozenBlocks frozen)
    {
        var output = new float[Lengths.Sum() * frozen.Width];
        frozen.Embed([1, 2, 3, 1], Lengths, frozen.Blocks, output);
        return output;
    }
}
