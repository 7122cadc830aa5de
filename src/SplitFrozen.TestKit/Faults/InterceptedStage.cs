using SplitFrozen.Domain.Models;

namespace SplitFrozen.TestKit.Faults;

/// <summary>A trainer stage that says what it is about to do.</summary>
internal sealed class InterceptedStage(ITrainerStage inner, Action<StageCall> before, Func<StageCall, bool> spoils, Func<bool> spoilsGradients) : ITrainerStage
{
    public BlockRange Blocks => inner.Blocks;

    public bool IsFirst => inner.IsFirst;

    public bool IsLast => inner.IsLast;

    public long TrainableParameters => inner.TrainableParameters;

    public int InFlight => inner.InFlight;

    public TargetScore Forward(int microBatch, int step, ActivationBatch batch, Span<float> output)
    {
        var call = Say("F", microBatch);
        var score = inner.Forward(microBatch, step, batch, output);
        return IsLast && spoils(call) ? score with { LossSum = double.NaN } : score;
    }

    public void BackwardInput(int microBatch, ReadOnlySpan<float> outputGradient, Span<float> inputGradient)
    {
        Say("B", microBatch);
        inner.BackwardInput(microBatch, outputGradient, inputGradient);
    }

    public void BackwardWeights(int microBatch)
    {
        Say("W", microBatch);
        inner.BackwardWeights(microBatch);
    }

    public double[] GradientSquares() => spoilsGradients() ? [double.NaN] : inner.GradientSquares();

    public void Step(double learningRate, long targets, double norm)
    {
        Say("Step", -1);
        inner.Step(learningRate, targets, norm);
    }

    public TargetScore Evaluate(ActivationBatch batch, Span<float> output)
    {
        Say("Evaluate", -1);
        return inner.Evaluate(batch, output);
    }

    public IReadOnlyList<TensorData> AdapterTensors() => inner.AdapterTensors();

    public void SetAdapter(IReadOnlyList<TensorData> tensors) => inner.SetAdapter(tensors);

    public IReadOnlyList<TensorData> OptimizerTensors() => inner.OptimizerTensors();

    public void SetOptimizer(IReadOnlyList<TensorData> tensors) => inner.SetOptimizer(tensors);

    public void AddToFrozen(IReadOnlyList<WeightedAdapter> adapters) => inner.AddToFrozen(adapters);

    public void SaveAdapter(string folder) => inner.SaveAdapter(folder);

    public void LoadAdapter(string folder) => inner.LoadAdapter(folder);

    public void SaveOptimizer(string file) => inner.SaveOptimizer(file);

    public void LoadOptimizer(string file) => inner.LoadOptimizer(file);

    public void Dispose() => inner.Dispose();

    private StageCall Say(string operation, int microBatch)
    {
        var call = new StageCall(Blocks, operation, microBatch, InFlight);
        before(call);
        return call;
    }
}
