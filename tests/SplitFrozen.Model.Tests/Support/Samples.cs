using SplitFrozen.Domain.Models;

namespace SplitFrozen.Model.Tests.Support;

/// <summary>Turns samples into the batches that stages take.</summary>
internal static class Samples
{
    /// <summary>Runs samples to a depth; rows [T, D] of all samples.</summary>
    public static float[] Embed(IFrozenBlocks blocks, IReadOnlyList<int[]> samples, int depth)
    {
        int[] tokens = [.. samples.SelectMany(sample => sample)];
        float[] output = new float[tokens.Length * blocks.Width];
        blocks.Embed(tokens, Lengths(samples), depth, output);
        return output;
    }

    /// <summary>Tokens of each sample.</summary>
    public static int[] Lengths(IReadOnlyList<int[]> samples) => [.. samples.Select(sample => sample.Length)];

    /// <summary>A batch with a label a sample.</summary>
    public static ActivationBatch Labelled(IFrozenBlocks blocks, IReadOnlyList<int[]> samples, int depth, int[] labels) =>
        new(Embed(blocks, samples, depth), Lengths(samples), labels, Keys(samples.Count));

    /// <summary>A batch in which every token is to be predicted from those before it.</summary>
    public static ActivationBatch NextToken(IFrozenBlocks blocks, IReadOnlyList<int[]> samples, int depth) =>
        new(Embed(blocks, samples, depth), Lengths(samples),
            [.. samples.SelectMany(sample => sample.Skip(1).Append(Target.Ignored))], Keys(samples.Count));

    /// <summary>A batch in which only the last row of each sample has a target, 0.</summary>
    public static ActivationBatch LastTokenOnly(IFrozenBlocks blocks, IReadOnlyList<int[]> samples, int depth) =>
        new(Embed(blocks, samples, depth), Lengths(samples),
            [.. samples.SelectMany(sample => Enumerable.Repeat(Target.Ignored, sample.Length - 1).Append(0))], Keys(samples.Count));

    /// <summary>A batch in which every row has the target 0.</summary>
    public static ActivationBatch EveryRow(IFrozenBlocks blocks, IReadOnlyList<int[]> samples, int depth) =>
        new(Embed(blocks, samples, depth), Lengths(samples), new int[samples.Sum(sample => sample.Length)], Keys(samples.Count));

    private static long[] Keys(int count) => [.. Enumerable.Range(0, count).Select(i => 1000L + i)];
}
