using SplitFrozen.Domain.Evaluation;
using SplitFrozen.Domain.Models;
using SplitFrozen.Model.Blocks;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Training;

/// <summary>A trained linear layer without bias on each sample's last real token; Hugging Face's <c>score.weight</c> [K, D].</summary>
internal sealed class ClassificationHead(Trainable weight) : Head
{
    /// <summary>Name of its weight.</summary>
    public const string WeightName = "score.weight";

    /// <inheritdoc/>
    public override void Check(int[] targets, RaggedLayout layout)
    {
        long labels = weight.Value.shape[0];
        if (targets.Length != layout.Samples)
        {
            throw new ArgumentException($"There are {targets.Length} labels for {layout.Samples} samples.", nameof(targets));
        }

        if (Array.FindIndex(targets, target => target < 0 || target >= labels) is var wrong and >= 0)
        {
            throw new ArgumentException($"Sample {wrong} has the label {targets[wrong]}; the head has labels 0 to {labels - 1}.", nameof(targets));
        }
    }

    /// <inheritdoc/>
    public override int[] Rows(int[] targets, RaggedLayout layout) => layout.LastRows();

    /// <inheritdoc/>
    public override long[] Targets(int[] targets) => Array.ConvertAll(targets, target => (long)target);

    /// <inheritdoc/>
    public override Tensor Logits(Tensor rows) => Products.Multiply(rows, weight.Value.t());

    /// <inheritdoc/>
    public override TargetScore Score(Tensor rows, Tensor targets)
    {
        var logits = Logits(rows);
        return CrossEntropy.Score(logits, targets).Score with { Confusion = Confusion(logits, targets) };
    }

    /// <inheritdoc/>
    public override (TargetScore Score, HeadMemory Memory) Forward(Tensor rows, Tensor targets)
    {
        var logits = Logits(rows);
        var (score, logSum) = CrossEntropy.Score(logits, targets);
        var gradient = CrossEntropy.GradientInPlace(logits, logSum, targets).DetachFromDisposeScope();
        return (score, new HeadMemory(gradient, rows.alias().DetachFromDisposeScope()));
    }

    /// <inheritdoc/>
    public override Tensor InputGradient(HeadMemory memory) => Products.Multiply(memory.Gradient, weight.Value);

    /// <inheritdoc/>
    public override void AddGradient(HeadMemory memory)
    {
        var rows = memory.Rows ?? throw new InvalidOperationException("The head's input was not kept.");
        Products.AddGradient(weight.Gradient, memory.Gradient, rows);
    }

    private static ConfusionMatrix Confusion(Tensor logits, Tensor targets)
    {
        var predicted = logits.argmax(1).to(ScalarType.Int32).cpu().data<int>().ToArray();
        return ConfusionMatrix.Of(targets.to(ScalarType.Int32).cpu().data<int>().ToArray(), predicted, (int)logits.shape[1]);
    }
}
