using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Scheduling;
using SplitFrozen.Protocol;
using SplitFrozen.TestKit.StandIn;

using Xunit;

namespace SplitFrozen.Actors.Tests.StandIn;

/// <summary>The stand-in model's trainer in stages: the same numbers as in one.</summary>
public sealed class StandInStagesSpecs
{
    private const int Cut = 1;
    private static readonly StandInModel Model = new(layers: 5);
    private static readonly TrainerSpec Spec = new(TaskKind.Classification, 4, Cut, new LoraSpec(2, 4, 0, []), 0.01, 1, 7);

    [Theory(DisplayName = "Stages give the losses, norms, adapters and optimiser states of one stage, bit for bit")]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Should_equal_one_stage(int count)
    {
        using var whole = new StageChain(Load(1));
        using var parts = new StageChain(Load(count));
        for (var step = 0; step < 5; step++)
        {
            Assert.Equal(whole.Train(step, Batches(step)), parts.Train(step, Batches(step)));
        }

        AssertSame(whole.Adapter, parts.Adapter);
        AssertSame(whole.Optimizer.DistinctBy(t => t.Name).ToList(), parts.Optimizer.DistinctBy(t => t.Name).ToList());
        Assert.Equal(whole.Evaluate(Batches(9)[0]), parts.Evaluate(Batches(9)[0]));
    }

    [Fact(DisplayName = "What stages hand over continues in other stages as if nothing had happened")]
    public void Should_continue_in_other_stages()
    {
        using var first = new StageChain(Load(3));
        first.Train(0, Batches(0));
        using var second = new StageChain(Load(2));
        second.Set(first.Adapter, first.Optimizer);

        Assert.Equal(first.Train(1, Batches(1)), second.Train(1, Batches(1)));
    }

    [Fact(DisplayName = "Gradients are those of finite differences")]
    public void Should_have_exact_gradients()
    {
        using var chain = new StageChain(Load(2));
        chain.Train(0, Batches(0));
        var batch = Batches(1)[0];
        var adapter = chain.Adapter;
        var squares = chain.Squares(batch);
        var largest = 0.0;
        for (var block = 0; block < 4; block++)
        {
            var sum = 0.0;
            foreach (var tensor in adapter.Where(t => t.Name.StartsWith($"{Cut + block}.", StringComparison.Ordinal)))
            {
                for (var i = 0; i < tensor.Shape[0]; i++)
                {
                    var slope = (Loss(adapter, tensor, i, 1e-2, batch) - Loss(adapter, tensor, i, -1e-2, batch)) / 2e-2;
                    sum += slope * slope;
                }
            }

            largest = Math.Max(largest, sum);
            Assert.Equal(sum, squares[block], 1e-2 * largest);
        }
    }

    [Fact(DisplayName = "Rows and gradients have the sizes that the stage's place calls for")]
    public void Should_check_sizes()
    {
        using var stage = Load(2)[0];
        var batch = Batches(0)[0];
        Assert.Throws<ArgumentException>(() => stage.Forward(0, 0, batch, []));
        stage.Forward(0, 0, batch, new float[batch.Values.Length]);
        Assert.Throws<ArgumentException>(() => stage.BackwardInput(0, [], []));
        Assert.Throws<ArgumentException>(() => stage.BackwardInput(0, new float[batch.Values.Length], new float[batch.Values.Length]));
    }

    private static double Loss(IReadOnlyList<TensorData> adapter, TensorData tensor, int index, double change, ActivationBatch batch)
    {
        var bytes = tensor.Bytes.ToArray();
        BitConverter.TryWriteBytes(bytes.AsSpan(index * 8), BitConverter.ToDouble(bytes, index * 8) + change);
        using var chain = new StageChain(Load(1));
        chain.SetAdapter([.. adapter.Select(t => t == tensor ? t with { Bytes = bytes } : t)]);
        return chain.Evaluate(batch).LossSum;
    }

    private static ITrainerStage[] Load(int count) =>
        [.. new BlockRange(Cut, Model.Shape.Layers).Cut(count).Select(range => Model.LoadTrainer(Spec with { Stage = range }))];

    private static ActivationBatch[] Batches(int step) => [Batch(step, 0), Batch(step, 1), Batch(step, 2)];

    private static ActivationBatch Batch(int step, int index)
    {
        using var frozen = Model.LoadFrozen(Cut);
        int[] lengths = [3, 1, 4];
        var tokens = Enumerable.Range(0, 8).Select(i => ((i * 5) + (step * 11) + (index * 7)) % Model.Shape.Vocabulary).ToArray();
        var values = new float[tokens.Length * frozen.Width];
        frozen.Embed(tokens, lengths, Cut, values);
        return new ActivationBatch(values, lengths, [index, (step + 1) % 4, 3 - index], [1, 2, 3]);
    }

    private static void AssertSame(IReadOnlyList<TensorData> expected, IReadOnlyList<TensorData> actual)
    {
        Assert.Equal(expected.Select(t => t.Name).Order(), actual.Select(t => t.Name).Order());
        foreach (var tensor in expected)
        {
            Assert.Equal(tensor.Bytes.ToArray(), actual.Single(t => t.Name == tensor.Name).Bytes.ToArray());
        }
    }

    /// <summary>Stages one above another, run in ZB-H1's order by one thread.</summary>
    private sealed class StageChain(ITrainerStage[] stages) : IDisposable
    {
        public IReadOnlyList<TensorData> Adapter => [.. stages.SelectMany(s => s.AdapterTensors())];

        public IReadOnlyList<TensorData> Optimizer => [.. stages.SelectMany(s => s.OptimizerTensors())];

        public (TargetScore Score, double Norm) Train(int step, ActivationBatch[] batches)
        {
            var score = RunAll(step, batches);
            var norm = GradientNorm.Of(stages.SelectMany(s => s.GradientSquares()), score.Targets);
            Array.ForEach(stages, s => s.Step(1e-2, score.Targets, norm));
            return (score, norm);
        }

        public double[] Squares(ActivationBatch batch)
        {
            RunAll(0, [batch]);
            return [.. stages.SelectMany(s => s.GradientSquares())];
        }

        public TargetScore Evaluate(ActivationBatch batch)
        {
            var score = default(TargetScore);
            foreach (var stage in stages)
            {
                var output = new float[stage.IsLast ? 0 : batch.Values.Length];
                score = stage.Evaluate(batch, output);
                batch = batch with { Values = output };
            }

            return score;
        }

        public void Set(IReadOnlyList<TensorData> adapter, IReadOnlyList<TensorData> optimizer)
        {
            SetAdapter(adapter);
            Array.ForEach(stages, s => s.SetOptimizer(optimizer));
        }

        public void SetAdapter(IReadOnlyList<TensorData> adapter) => Array.ForEach(stages, s => s.SetAdapter(adapter));

        public void Dispose() => Array.ForEach(stages, s => s.Dispose());

        /// <summary>Plays the stages' lists: an operation runs once what it needs from a neighbour is there.</summary>
        private TargetScore RunAll(int step, ActivationBatch[] batches)
        {
            var up = new Dictionary<(int Stage, int MicroBatch), float[]>();
            var down = new Dictionary<(int Stage, int MicroBatch), float[]>();
            var lists = PipelineSchedule.Create(ScheduleKind.ZbH1, stages.Length, batches.Length).Stages.Select(list => new Queue<Operation>(list)).ToArray();
            var score = default(TargetScore);
            while (lists.Any(list => list.Count > 0))
            {
                for (var s = 0; s < stages.Length; s++)
                {
                    while (lists[s].TryPeek(out var next) && IsReady(next, s, up, down))
                    {
                        score += Run(lists[s].Dequeue(), s, step, batches, up, down);
                    }
                }
            }

            return score;
        }

        private bool IsReady(
            Operation operation, int s, Dictionary<(int, int), float[]> up, Dictionary<(int, int), float[]> down) => operation.Kind switch
            {
                OperationKind.Forward => s == 0 || up.ContainsKey((s - 1, operation.MicroBatch)),
                OperationKind.BackwardInput => s == stages.Length - 1 || down.ContainsKey((s + 1, operation.MicroBatch)),
                _ => true,
            };

        private TargetScore Run(
            Operation operation, int s, int step, ActivationBatch[] batches,
            Dictionary<(int, int), float[]> up, Dictionary<(int, int), float[]> down)
        {
            var (stage, m) = (stages[s], operation.MicroBatch);
            var size = batches[m].Values.Length;
            switch (operation.Kind)
            {
                case OperationKind.Forward:
                    up[(s, m)] = new float[stage.IsLast ? 0 : size];
                    return stage.Forward(m, step, stage.IsFirst ? batches[m] : batches[m] with { Values = up[(s - 1, m)] }, up[(s, m)]);
                case OperationKind.BackwardInput:
                    down[(s, m)] = new float[stage.IsFirst ? 0 : size];
                    stage.BackwardInput(m, stage.IsLast ? [] : down[(s + 1, m)], down[(s, m)]);
                    break;
                case OperationKind.BackwardWeights:
                    stage.BackwardWeights(m);
                    break;
            }

            return default;
        }
    }
}
