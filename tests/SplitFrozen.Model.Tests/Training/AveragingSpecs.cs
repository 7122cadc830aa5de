using SplitFrozen.Domain.Models;
using SplitFrozen.Model.Tests.Support;
using SplitFrozen.Model.Training;
using SplitFrozen.Protocol;

namespace SplitFrozen.Model.Tests.Training;

/// <summary>What federated methods ask of a stage: a frozen A, and frozen weights that take up what averages lose.</summary>
public sealed class AveragingSpecs
{
    private const double Tolerance = 1e-5;

    [Theory(DisplayName = "A frozen A stays to the last bit, and B and head move as they would")]
    [InlineData(ModelFamily.Gpt2)]
    [InlineData(ModelFamily.Llama)]
    public void Should_freeze_a(ModelFamily family)
    {
        using var random = new RandomCase(family, 31, task: TaskKind.Classification);
        using var stage = (TrainerStage)random.Model.LoadTrainer(random.Spec with { FreezeA = true });
        var before = stage.AdapterTensors();
        Train(stage, random.Batch(3), 3);

        foreach (var (was, now) in before.Zip(stage.AdapterTensors()))
        {
            Assert.Equal(was.Name.EndsWith("lora_A.weight", StringComparison.Ordinal), was.Bytes.Span.SequenceEqual(now.Bytes.Span));
        }
    }

    [Theory(DisplayName = "An adapter's product in the frozen weights, and the adapter at its start, give what the adapter gave")]
    [InlineData(ModelFamily.Gpt2)]
    [InlineData(ModelFamily.Llama)]
    public void Should_take_up_products(ModelFamily family)
    {
        using var random = new RandomCase(family, 32, task: TaskKind.Classification);
        using var trained = (TrainerStage)random.Model.LoadTrainer(random.Spec);
        using var merged = (TrainerStage)random.Model.LoadTrainer(random.Spec);
        var batch = random.Batch(3);
        Train(trained, batch, 3);
        var adapter = trained.AdapterTensors();
        var start = merged.AdapterTensors();

        // The head is no product: it is set; A and B stay as they began, with B = 0.
        merged.SetAdapter([.. start.Select(t => t.Name.Contains("lora_", StringComparison.Ordinal) ? t : adapter.First(a => a.Name == t.Name))]);
        var plain = merged.Evaluate(batch, []).LossSum;
        merged.AddToFrozen([new WeightedAdapter(0.25, adapter), new WeightedAdapter(0.75, adapter)]);
        var expected = trained.Evaluate(batch, []).LossSum;

        Assert.Equal(expected, merged.Evaluate(batch, []).LossSum, Tolerance * Math.Abs(expected));
        Assert.NotEqual(expected, plain, Tolerance * Math.Abs(expected));
        merged.AddToFrozen([new WeightedAdapter(-1, adapter)]);
        Assert.Equal(plain, merged.Evaluate(batch, []).LossSum, Tolerance * Math.Abs(plain));
    }

    private static void Train(TrainerStage stage, ActivationBatch batch, int steps)
    {
        for (int step = 0; step < steps; step++)
        {
            var score = stage.Forward(0, step, batch, []);
            stage.BackwardInput(0, [], []);
            stage.BackwardWeights(0);
            stage.Step(0.05, score.Targets);
        }
    }
}
