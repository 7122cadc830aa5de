using System.Text.Json.Serialization;

using SplitFrozen.Domain.Evaluation;

namespace SplitFrozen.Domain.Models;

/// <summary>Activations at the frozen line with their targets, ragged: [T, D] row-major, the rows of one sample after those of another.</summary>
/// <param name="Values">[T, D] float32, possibly longer than needed (pooled); the first T · D values count.</param>
/// <param name="Lengths">Tokens of each sample [N].</param>
/// <param name="Targets">Classification: a label a sample [N]. Language modelling: a target token id a row [T], <see cref="Target.Ignored"/> where there is none.</param>
/// <param name="SampleKeys">A number per sample [N] that identifies it in the run; dropout masks are drawn from it.</param>
public sealed record ActivationBatch(ReadOnlyMemory<float> Values, int[] Lengths, int[] Targets, long[] SampleKeys);

/// <summary>Special target values.</summary>
public static class Target
{
    /// <summary>A row whose next token is not part of the loss.</summary>
    public const int Ignored = -100;
}

/// <summary>What one pass over targets found; sums, so that micro-batches and chunks add up.</summary>
/// <param name="LossSum">Sum of cross-entropies in nats.</param>
/// <param name="Targets">How many targets the sum is over: samples for classification, target tokens for language modelling.</param>
/// <param name="Correct">Targets that the largest logit names.</param>
public readonly record struct TargetScore(double LossSum, long Targets, long Correct)
{
    /// <summary>What was predicted for what, where a classification was evaluated; null in training, and for language modelling.</summary>
    [JsonIgnore]
    public ConfusionMatrix? Confusion { get; init; }

    /// <summary>Adds two scores. Confusions are kept only if they cover all targets of the sum.</summary>
    public static TargetScore operator +(TargetScore a, TargetScore b) =>
        new(a.LossSum + b.LossSum, a.Targets + b.Targets, a.Correct + b.Correct) { Confusion = Joined(a, b) };

    /// <summary>Mean loss in nats a target, or 0 without targets.</summary>
    public double MeanLoss => Targets == 0 ? 0 : LossSum / Targets;

    /// <summary>Share of targets met, from 0 to 1.</summary>
    public double Accuracy => Targets == 0 ? 0 : (double)Correct / Targets;

    /// <summary>F1 (<see cref="ConfusionMatrix.F1"/>), or null where predictions were not counted.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? F1 => Confusion?.F1;

    private static ConfusionMatrix? Joined(TargetScore a, TargetScore b) =>
        a.Targets == 0 ? b.Confusion
            : b.Targets == 0 ? a.Confusion
            : a.Confusion is { } first && b.Confusion is { } second ? first + second : null;
}

/// <summary>
/// Blocks [C, L), final norm and head with their adapters and optimiser. A global batch is trained as F, B and W of each of its
/// micro-batches, then one step. B computes gradients with respect to activations only; W those of adapters and head. Gradients are of the
/// <em>sum</em> of the losses, so that the split into micro-batches and their order of arrival do not matter to scale; <see cref="Step"/> divides
/// by the number of targets. One owner, one thread at a time.
/// </summary>
public interface ITrainerStage : IDisposable
{
    /// <summary>Trainable numbers in adapters and head.</summary>
    long TrainableParameters { get; }

    /// <summary>Micro-batches whose activations are held: those with F done and W not yet.</summary>
    int InFlight { get; }

    /// <summary>F: runs the forward pass and keeps what B and W need.</summary>
    /// <param name="microBatch">Names the micro-batch until its W; must not be in flight.</param>
    /// <param name="step">Optimiser step, from 0; dropout masks are a function of (seed, step, sample, layer).</param>
    /// <param name="batch">Activations at depth C, copied before the call returns.</param>
    TargetScore Forward(int microBatch, int step, ActivationBatch batch);

    /// <summary>B: gradients with respect to activations. Throws <see cref="InvalidOperationException"/> unless F of this micro-batch is done and B is not.</summary>
    void BackwardInput(int microBatch);

    /// <summary>W: adds this micro-batch's gradients of adapters and head, and frees what it held. Throws <see cref="InvalidOperationException"/> unless its B is done.</summary>
    void BackwardWeights(int microBatch);

    /// <summary>Divides the gradients by <paramref name="targets"/>, clips them, makes one AdamW step and clears them. Throws <see cref="InvalidOperationException"/> while a micro-batch is in flight.</summary>
    /// <param name="learningRate">Rate of this step.</param>
    /// <param name="targets">Targets of the global batch, at least 1.</param>
    /// <returns>The gradient's norm (L2 over all trainable numbers) before clipping; not finite if a gradient is not, and then nothing was changed.</returns>
    double Step(double learningRate, long targets);

    /// <summary>Scores a batch without training: no dropout, nothing kept.</summary>
    TargetScore Evaluate(ActivationBatch batch);

    /// <summary>Writes adapters and head as a PEFT folder (adapter_config.json, adapter_model.safetensors); existing files are replaced atomically.</summary>
    void SaveAdapter(string folder);

    /// <summary>Reads a PEFT folder's adapters and head; throws <see cref="UserErrorException"/> where they do not fit.</summary>
    void LoadAdapter(string folder);

    /// <summary>Writes the optimiser's state (moments and step count) to one file, atomically.</summary>
    void SaveOptimizer(string file);

    /// <summary>Reads what <see cref="SaveOptimizer"/> wrote; throws <see cref="UserErrorException"/> where it does not fit.</summary>
    void LoadOptimizer(string file);
}
