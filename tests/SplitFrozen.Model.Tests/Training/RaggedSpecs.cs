using SplitFrozen.Domain.Models;
using SplitFrozen.Model.Tests.Support;
using SplitFrozen.Protocol;

namespace SplitFrozen.Model.Tests.Training;

/// <summary>Samples of unequal length in one batch: each has the values that it has alone.</summary>
public sealed class RaggedSpecs
{
    private const int Cases = 8;
    private const double Rounding = 2e-6;

    [Theory(DisplayName = "A sample's frozen rows are those computed alone, to rounding, whatever its neighbours")]
    [InlineData(ModelFamily.Gpt2)]
    [InlineData(ModelFamily.Llama)]
    public void Should_freeze_each_as_alone(ModelFamily family)
    {
        for (long seed = 0; seed < Cases; seed++)
        {
            using var random = new RandomCase(family, seed);
            using var frozen = random.Model.LoadFrozen(random.Model.Shape.Layers);
            int[][] samples = [.. Enumerable.Range(0, 2 + random.Below(6)).Select(_ => Tokens(random, 1 + random.Below(20)))];
            float[] together = Samples.Embed(frozen, samples, frozen.Blocks);
            int row = 0;
            foreach (int[] sample in samples)
            {
                float[] alone = Samples.Embed(frozen, [sample], frozen.Blocks);
                Near.Equal([.. alone.Select(v => (double)v)], together.AsSpan(row * frozen.Width, alone.Length), Rounding * 10, $"{family}, seed {seed}");
                row += sample.Length;
            }
        }
    }

    [Theory(DisplayName = "Other neighbours of the same lengths do not change a bit of a sample's rows")]
    [InlineData(ModelFamily.Gpt2)]
    [InlineData(ModelFamily.Llama)]
    public void Should_not_see_neighbours(ModelFamily family)
    {
        for (long seed = 0; seed < Cases; seed++)
        {
            using var random = new RandomCase(family, seed);
            using var frozen = random.Model.LoadFrozen(random.Model.Shape.Layers);
            int[] lengths = [.. Enumerable.Range(0, 2 + random.Below(6)).Select(_ => 1 + random.Below(20))];
            int[] kept = Tokens(random, lengths[0]);
            int[][] first = [kept, .. lengths.Skip(1).Select(length => Tokens(random, length))];
            int[][] second = [kept, .. lengths.Skip(1).Select(length => Tokens(random, length))];
            int count = lengths[0] * frozen.Width;
            Assert.Equal(Samples.Embed(frozen, first, frozen.Blocks)[..count], Samples.Embed(frozen, second, frozen.Blocks)[..count]);
        }
    }

    [Theory(DisplayName = "The loss of a batch is the sum of its samples' losses alone")]
    [InlineData(ModelFamily.Gpt2, TaskKind.Classification)]
    [InlineData(ModelFamily.Gpt2, TaskKind.LanguageModel)]
    [InlineData(ModelFamily.Llama, TaskKind.Classification)]
    [InlineData(ModelFamily.Llama, TaskKind.LanguageModel)]
    public void Should_train_each_as_alone(ModelFamily family, TaskKind task)
    {
        for (long seed = 50; seed < 50 + Cases; seed++)
        {
            using var random = new RandomCase(family, seed, dropout: 0.2, task);
            using var chain = random.Stages(1);
            var batch = random.Batch(0);
            double alone = Enumerable.Range(0, batch.Lengths.Length)
                .Sum(sample => chain.Forward(10 + sample, 0, Autograd.Alone(batch, sample, random)).LossSum);
            Near.Relative(alone, chain.Forward(0, 0, batch).LossSum, Rounding, $"{family}, {task}, seed {seed}");
        }
    }

    private static int[] Tokens(RandomCase random, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => random.Below(random.Model.Shape.Vocabulary))];
}
