using SplitFrozen.Domain.Models;
using SplitFrozen.Model.Tests.Support;

namespace SplitFrozen.Model.Tests.Training;

/// <summary>F, B and W give the gradients of torch's ordinary reverse pass, in one stage and in several.</summary>
public sealed class GradientSpecs
{
    private const int Cases = 6;
    private const double Rounding = 2e-5;

    [Theory(DisplayName = "F, B and W give autograd's losses and gradients for random shapes")]
    [InlineData(ModelFamily.Gpt2, 0.0)]
    [InlineData(ModelFamily.Gpt2, 0.3)]
    [InlineData(ModelFamily.Llama, 0.0)]
    [InlineData(ModelFamily.Llama, 0.3)]
    public void Should_equal_autograd(ModelFamily family, double dropout)
    {
        for (long seed = 0; seed < Cases; seed++)
        {
            using var random = new RandomCase(family, seed, dropout);
            ActivationBatch[] batches = [.. Enumerable.Range(0, 1 + random.Below(3)).Select(random.Batch)];
            using var chain = random.Stages(1 + random.Below(3));
            double loss = RunTogether(chain, batches);
            var (expectedLoss, expected) = Autograd.Run(random, step: 3, batches);
            string what = $"{family}, dropout {dropout}, seed {seed}, {chain.Stages.Count} stages";
            Near.Relative(expectedLoss, loss, 1e-5, $"loss of {what}");
            float largest = expected.Values.Max(gradient => gradient.Max(Math.Abs));
            Assert.True(largest > 0, what);
            foreach (var trainable in chain.Trainables)
            {
                float[] scale = [.. expected[trainable.Name], largest];
                Near.EqualToLargest(scale, [.. trainable.Gradient.Numbers(), largest], Rounding, $"gradient of {trainable.Name} of {what}");
            }
        }
    }

    [Theory(DisplayName = "Several stages give the losses, gradients, norms and adapters of one, bit for bit")]
    [InlineData(ModelFamily.Gpt2, 0.0)]
    [InlineData(ModelFamily.Gpt2, 0.3)]
    [InlineData(ModelFamily.Llama, 0.0)]
    [InlineData(ModelFamily.Llama, 0.3)]
    public void Should_not_depend_on_boundaries(ModelFamily family, double dropout)
    {
        for (long seed = 100; seed < 100 + Cases; seed++)
        {
            using var random = new RandomCase(family, seed, dropout);
            ActivationBatch[] batches = [random.Batch(0), random.Batch(1)];
            using var whole = random.Stages(1);
            using var parts = random.Stages(2 + random.Below(2));
            for (int step = 0; step < 3; step++)
            {
                Assert.Equal(RunTogether(whole, batches), RunTogether(parts, batches));
                Assert.Equal(whole.Gradients(), parts.Gradients());
                Assert.Equal(whole.Step(1e-2, 7), parts.Step(1e-2, 7));
            }

            Assert.Equal(whole.Values(), parts.Values());
            Assert.Equal(whole.Evaluate(batches[0]), parts.Evaluate(batches[0]));
        }
    }

    /// <summary>All F, then all B, then all W: every micro-batch is in flight at once.</summary>
    private static double RunTogether(StageChain chain, ActivationBatch[] batches)
    {
        double loss = 0;
        for (int i = 0; i < batches.Length; i++)
        {
            loss += chain.Forward(i, 3, batches[i]).LossSum;
        }

        for (int i = 0; i < batches.Length; i++)
        {
            chain.BackwardInput(i);
        }

        for (int i = 0; i < batches.Length; i++)
        {
            chain.BackwardWeights(i);
        }

        return loss;
    }
}
