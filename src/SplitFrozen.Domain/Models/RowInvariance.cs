using System.Runtime.InteropServices;

namespace SplitFrozen.Domain.Models;

/// <summary>
/// Tests on this machine that a sample's activations do not depend on what else is in its batch. Activations kept from one epoch are then, to the last
/// bit, those that another epoch would compute in other company.
/// </summary>
public static class RowInvariance
{
    private const int Length = 13;

    /// <summary>Runs a sample alone, among others of other lengths at its front and back, and among equals, to the depth.</summary>
    /// <param name="frozen">Blocks to test.</param>
    /// <param name="depth">Blocks to run.</param>
    /// <param name="context">The model's longest sequence.</param>
    /// <returns>Whether all runs gave the same bits.</returns>
    public static bool Holds(IFrozenBlocks frozen, int depth, int context)
    {
        var length = Math.Min(Length, context);
        int[][] companies =
        [
            [length], [length, 5, 29, 2], [7, 31, length], [1, length, 3, 3, 17, 40, 11], [.. Enumerable.Repeat(length, 16)],
        ];
        int[] places = [0, 0, 2, 1, 9];
        var reference = Run(frozen, depth, Bounded(companies[0], context), places[0]);
        return companies.Zip(places).Skip(1).All(p => Run(frozen, depth, Bounded(p.First, context), p.Second).AsSpan().SequenceEqual(reference));
    }

    private static int[] Bounded(int[] lengths, int context) => Array.ConvertAll(lengths, l => Math.Min(l, context));

    private static byte[] Run(IFrozenBlocks frozen, int depth, int[] lengths, int place)
    {
        // The sample has the same tokens everywhere, its company others.
        var tokens = lengths.SelectMany((length, sample) => Enumerable.Range(0, length).Select(t => sample == place ? t % 3 : (t + sample) % 7)).ToArray();
        var output = new float[tokens.Length * frozen.Width];
        frozen.Embed(tokens, lengths, depth, output);
        return MemoryMarshal.AsBytes(output.AsSpan(lengths[..place].Sum() * frozen.Width, lengths[place] * frozen.Width)).ToArray();
    }
}
