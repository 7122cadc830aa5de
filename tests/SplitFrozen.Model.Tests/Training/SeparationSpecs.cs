using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using SplitFrozen.Domain.Models;
using SplitFrozen.Model.Tests.Support;

namespace SplitFrozen.Model.Tests.Training;

/// <summary>B and W apart: what each touches, in any order that is allowed.</summary>
public sealed class SeparationSpecs
{
    private const int MicroBatches = 3;

    [Property(DisplayName = "B leaves adapters' gradients alone, W leaves activations' gradients alone, in any order", MaxTest = 20)]
    public Property Should_be_apart_in_any_order() => Prop.ForAll(
        Gen.Choose(0, 1 << 20).ToArbitrary(), Gen.Choose(0, int.MaxValue - 1).ToArbitrary(), (int seed, int order) =>
        {
            using var random = new RandomCase(seed % 2 == 0 ? ModelFamily.Gpt2 : ModelFamily.Llama, seed);
            ActivationBatch[] batches = [.. Enumerable.Range(0, MicroBatches).Select(random.Batch)];
            using var alone = random.Stages(2);
            var expected = batches.Select((batch, i) => InputGradient(alone, i, batch)).ToArray();
            using var chain = random.Stages(2);
            Play(chain, batches, expected, new Random(order));
        });

    [Fact(DisplayName = "Operations out of their order are refused, and nothing is broken by it")]
    public void Should_refuse_wrong_order()
    {
        using var random = new RandomCase(ModelFamily.Gpt2, 5);
        using var chain = random.Stages(1);
        var stage = chain.Stages[0];
        var batch = random.Batch(0);

        Assert.Throws<InvalidOperationException>(() => stage.BackwardInput(0));
        Assert.Throws<InvalidOperationException>(() => stage.BackwardWeights(0));
        stage.Forward(0, 0, batch);
        Assert.Throws<InvalidOperationException>(() => stage.Forward(0, 0, batch));
        Assert.Throws<InvalidOperationException>(() => stage.BackwardWeights(0));
        Assert.Throws<InvalidOperationException>(() => stage.Step(1e-3, 1));
        stage.BackwardInput(0);
        Assert.Throws<InvalidOperationException>(() => stage.BackwardInput(0));
        stage.BackwardWeights(0);
        Assert.Throws<InvalidOperationException>(() => stage.BackwardWeights(0));
        Assert.True(double.IsFinite(stage.Step(1e-3, 1)));
        Assert.Equal(0, stage.InFlight);
    }

    [Fact(DisplayName = "Rows and gradients have the sizes that the stage's place calls for")]
    public void Should_check_sizes()
    {
        using var random = new RandomCase(ModelFamily.Llama, 6);
        using var chain = random.Stages(2);
        var batch = random.Batch(0);
        float[] rows = new float[batch.Values.Length];

        Assert.Throws<ArgumentException>(() => chain.Stages[0].Forward(0, 0, batch, []));
        Assert.Throws<ArgumentException>(() => chain.Stages[1].Forward(0, 0, batch, rows));
        chain.Forward(0, 0, batch);
        Assert.Throws<ArgumentException>(() => chain.Stages[1].BackwardInput(0, [], []));
        Assert.Throws<ArgumentException>(() => chain.Stages[0].BackwardInput(0, [], []));
        Assert.Throws<ArgumentException>(() => chain.Stages[0].BackwardInput(0, rows, rows));
        Assert.Throws<ArgumentException>(() => random.Model.LoadTrainer(random.Spec with { Stage = new BlockRange(0, 2) }));
        Assert.Throws<ArgumentException>(() => random.Model.LoadTrainer(random.Spec with { Stage = new BlockRange(2, 2) }));
    }

    [Fact(DisplayName = "A gradient that is not finite changes nothing and is cleared")]
    public void Should_not_step_along_infinity()
    {
        using var random = new RandomCase(ModelFamily.Gpt2, 8);
        using var chain = random.Stages(1);
        var batch = random.Batch(0);
        float[] before = chain.Values();
        float[] broken = batch.Values.ToArray();
        broken[0] = float.PositiveInfinity;
        RunWhole(chain, batch with { Values = broken });

        Assert.False(double.IsFinite(chain.Step(1e-2, 1)));
        Assert.Equal(before, chain.Values());
        Assert.All(chain.Gradients(), gradient => Assert.Equal(0, gradient));
        RunWhole(chain, batch);
        Assert.True(double.IsFinite(chain.Step(1e-2, 1)));
        Assert.NotEqual(before, chain.Values());
    }

    private static void RunWhole(StageChain chain, ActivationBatch batch)
    {
        chain.Forward(0, 0, batch);
        chain.BackwardInput(0);
        chain.BackwardWeights(0);
    }

    private static float[] InputGradient(StageChain chain, int microBatch, ActivationBatch batch)
    {
        chain.Forward(microBatch, 0, batch);
        var gradient = chain.BackwardInput(microBatch)[0];
        chain.BackwardWeights(microBatch);
        return gradient;
    }

    /// <summary>Runs all operations in a random order that is allowed; <paramref name="expected"/> are the gradients between the stages without others in flight.</summary>
    private static void Play(StageChain chain, ActivationBatch[] batches, float[][] expected, Random order)
    {
        int[] done = new int[MicroBatches];
        float[] gradients = chain.Gradients();
        while (done.Any(count => count < 3))
        {
            int chosen = order.Next(MicroBatches);
            switch (done[chosen])
            {
                case 0:
                    chain.Forward(chosen, 0, batches[chosen]);
                    Assert.Equal(gradients, chain.Gradients());
                    break;
                case 1:
                    Assert.Equal(expected[chosen], chain.BackwardInput(chosen)[0]);
                    Assert.Equal(gradients, chain.Gradients());
                    break;
                case 2:
                    chain.BackwardWeights(chosen);
                    Assert.NotEqual(gradients, chain.Gradients());
                    gradients = chain.Gradients();
                    break;
                default:
                    continue;
            }

            done[chosen]++;
            Assert.All(chain.Stages, stage => Assert.Equal(done.Count(count => count is 1 or 2), stage.InFlight));
        }
    }
}
