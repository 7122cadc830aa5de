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

/// <summary>An adapter in a weighted sum.</summary>
/// <param name="Weight">Its weight; may be negative.</param>
/// <param name="Tensors">Its tensors.</param>
public readonly record struct WeightedAdapter(double Weight, IReadOnlyList<TensorData> Tensors);

/// <summary>
/// Blocks [From, To) of the trained part [C, L) with their adapters and optimiser; the last stage (To = L) also has the final norm, the head and the loss.
/// Between stages rows [T, D] go up as the output of F and come down as the gradient of B; where the boundaries lie does not change a bit of what is trained.
/// <para>
/// A global batch is F, B and W of each of its micro-batches on every stage, then one step. Of a micro-batch, F(s) takes the output of F(s − 1); B(s) takes
/// what B(s + 1) returned, and on the last stage begins at the loss; W(s) needs B(s) only. Any order that keeps this is allowed. B computes gradients
/// with respect to activations only; W those of adapters and head. Gradients are of the <em>sum</em> of the losses, so that the split into
/// micro-batches and their order of arrival do not matter to scale; <see cref="Step"/> divides by the number of targets. One owner, one thread at a time.
/// </para>
/// With one stage the calls of <see cref="SingleTrainerStage"/> are enough.
/// </summary>
public interface ITrainerStage : IDisposable
{
    /// <summary>The blocks held.</summary>
    BlockRange Blocks { get; }

    /// <summary>Whether its input is the frozen line (From = C): nothing below needs a gradient, and B returns none.</summary>
    bool IsFirst { get; }

    /// <summary>Whether it has the head and the loss (To = L): F returns a score and no rows, and B takes no gradient.</summary>
    bool IsLast { get; }

    /// <summary>Trainable numbers in this stage's adapters and head.</summary>
    long TrainableParameters { get; }

    /// <summary>Micro-batches whose activations are held: those with F done and W not yet.</summary>
    int InFlight { get; }

    /// <summary>F: runs the forward pass and keeps what B and W need.</summary>
    /// <param name="microBatch">Names the micro-batch until its W; must not be in flight.</param>
    /// <param name="step">Optimiser step, from 0; dropout masks are a function of (seed, step, sample, layer).</param>
    /// <param name="batch">Rows at depth From, copied before the call returns. Only the last stage looks at the targets; others may get none.</param>
    /// <param name="output">Receives the rows at depth To [T, D]; empty on the last stage.</param>
    /// <returns>The score on the last stage; elsewhere no targets.</returns>
    TargetScore Forward(int microBatch, int step, ActivationBatch batch, Span<float> output);

    /// <summary>B: gradients with respect to activations. Throws <see cref="InvalidOperationException"/> unless F of this micro-batch is done and B is not.</summary>
    /// <param name="microBatch">The micro-batch.</param>
    /// <param name="outputGradient">Gradient with respect to the rows that F returned [T, D], read before the call returns; empty on the last stage.</param>
    /// <param name="inputGradient">Receives the gradient with respect to the rows that F took [T, D]; empty on the first stage.</param>
    void BackwardInput(int microBatch, ReadOnlySpan<float> outputGradient, Span<float> inputGradient);

    /// <summary>W: adds this micro-batch's gradients of adapters and head, and frees what it held. Throws <see cref="InvalidOperationException"/> unless its B is done.</summary>
    void BackwardWeights(int microBatch);

    /// <summary>Sums of the squares of the gradients so far: one a block, in order, and on the last stage one more for the head. See <see cref="GradientNorm"/>.</summary>
    double[] GradientSquares();

    /// <summary>
    /// Divides the gradients by <paramref name="targets"/>, clips them, makes one AdamW step and clears them. Where the norm is not finite, only clears
    /// them. Throws <see cref="InvalidOperationException"/> while a micro-batch is in flight.
    /// </summary>
    /// <param name="learningRate">Rate of this step.</param>
    /// <param name="targets">Targets of the global batch, at least 1.</param>
    /// <param name="norm">The norm over all stages, from <see cref="GradientNorm"/>.</param>
    void Step(double learningRate, long targets, double norm);

    /// <summary>A forward pass without training: no dropout, nothing kept.</summary>
    /// <param name="batch">Rows at depth From.</param>
    /// <param name="output">Receives the rows at depth To [T, D]; empty on the last stage.</param>
    /// <returns>The score on the last stage; elsewhere no targets.</returns>
    TargetScore Evaluate(ActivationBatch batch, Span<float> output);

    /// <summary>Copies of this stage's adapters and head, in its own order. Of all stages together <see cref="IModelSource.SaveAdapter"/> makes one folder.</summary>
    IReadOnlyList<TensorData> AdapterTensors();

    /// <summary>Sets adapters and head from what <see cref="AdapterTensors"/> or <see cref="IModelSource.ReadAdapter"/> gave; other stages' tensors are passed over. Throws <see cref="UserErrorException"/> where one is missing or of another shape.</summary>
    void SetAdapter(IReadOnlyList<TensorData> tensors);

    /// <summary>Copies of the optimiser's state: moments of this stage's tensors, and the step count, which is the same on all stages.</summary>
    IReadOnlyList<TensorData> OptimizerTensors();

    /// <summary>Sets the optimiser's state, as <see cref="SetAdapter"/> does the adapter.</summary>
    void SetOptimizer(IReadOnlyList<TensorData> tensors);

    /// <summary>
    /// Adds the products of adapters to the frozen weights: W += (alpha / rank) · Σ weight · B A over each module of this stage that carries an adapter.
    /// What FedEx-LoRA needs; it lasts as long as the stage.
    /// </summary>
    /// <param name="adapters">Each holds at least this stage's adapters, as <see cref="AdapterTensors"/> gave them.</param>
    /// <exception cref="NotSupportedException">This stage's frozen weights cannot change.</exception>
    void AddToFrozen(IReadOnlyList<WeightedAdapter> adapters) => throw new NotSupportedException("The frozen weights of this stage cannot change.");

    /// <summary>Writes this stage's adapters and head as a PEFT folder (adapter_config.json, adapter_model.safetensors); existing files are replaced atomically.</summary>
    void SaveAdapter(string folder);

    /// <summary>Reads this stage's adapters and head from a PEFT folder; throws <see cref="UserErrorException"/> where they do not fit.</summary>
    void LoadAdapter(string folder);

    /// <summary>Writes the optimiser's state (moments and step count) to one file, atomically.</summary>
    void SaveOptimizer(string file);

    /// <summary>Reads this stage's part of a file that holds optimiser state; throws <see cref="UserErrorException"/> where it does not fit.</summary>
    void LoadOptimizer(string file);
}
