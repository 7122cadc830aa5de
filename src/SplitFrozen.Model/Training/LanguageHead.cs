using SplitFrozen.Domain.Models;
using SplitFrozen.Model.Blocks;
using TorchSharp;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Training;

/// <summary>
/// The frozen language-model head [V, D] on all rows that have a target. Logits are by far the largest tensor of a pass: they are computed
/// in slices, and since the head is frozen each slice's gradient goes straight on to the rows, so that no logits are kept.
/// </summary>
internal sealed class LanguageHead(Tensor weight) : Head
{
    /// <summary>Logits held at once, as numbers: 64 MiB.</summary>
    private const long SliceElements = 1 << 24;

    /// <inheritdoc/>
    public override void Check(int[] targets, RaggedLayout layout)
    {
        long vocabulary = weight.shape[0];
        if (targets.Length != layout.Rows)
        {
            throw new ArgumentException($"There are {targets.Length} targets for {layout.Rows} rows.", nameof(targets));
        }

        if (Array.FindIndex(targets, target => target != Target.Ignored && (target < 0 || target >= vocabulary)) is var wrong and >= 0)
        {
            throw new ArgumentException($"Row {wrong} has the target {targets[wrong]}; tokens are 0 to {vocabulary - 1}.", nameof(targets));
        }
    }

    /// <inheritdoc/>
    public override int[] Rows(int[] targets, RaggedLayout layout) =>
        [.. Enumerable.Range(0, targets.Length).Where(row => targets[row] != Target.Ignored)];

    /// <inheritdoc/>
    public override long[] Targets(int[] targets) =>
        [.. targets.Where(target => target != Target.Ignored).Select(target => (long)target)];

    /// <inheritdoc/>
    public override Tensor Logits(Tensor rows) => Products.Multiply(rows, weight.t());

    /// <inheritdoc/>
    public override TargetScore Score(Tensor rows, Tensor targets) =>
        BySlice(rows.shape[0], (start, count) => ScoreSlice(rows.narrow(0, start, count), targets.narrow(0, start, count), null));

    /// <inheritdoc/>
    public override (TargetScore Score, HeadMemory Memory) Forward(Tensor rows, Tensor targets)
    {
        var gradient = torch.empty_like(rows);
        var score = BySlice(rows.shape[0], (start, count) =>
            ScoreSlice(rows.narrow(0, start, count), targets.narrow(0, start, count), gradient.narrow(0, start, count)));
        return (score, new HeadMemory(gradient.DetachFromDisposeScope(), null));
    }

    /// <inheritdoc/>
    public override Tensor InputGradient(HeadMemory memory) => memory.Gradient.alias();

    /// <inheritdoc/>
    public override void AddGradient(HeadMemory memory)
    {
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        weight.Dispose();
        base.Dispose();
    }

    private TargetScore BySlice(long rows, Func<long, long, TargetScore> score)
    {
        long slice = Math.Max(1, SliceElements / weight.shape[0]);
        var sum = default(TargetScore);
        for (long start = 0; start < rows; start += slice)
        {
            using var scope = NewDisposeScope();
            sum += score(start, Math.Min(slice, rows - start));
        }

        return sum;
    }

    private TargetScore ScoreSlice(Tensor rows, Tensor targets, Tensor? gradient)
    {
        var logits = Logits(rows);
        var (score, logSum) = CrossEntropy.Score(logits, targets);
        gradient?.copy_(Products.Multiply(CrossEntropy.GradientInPlace(logits, logSum, targets), weight));
        return score;
    }
}
