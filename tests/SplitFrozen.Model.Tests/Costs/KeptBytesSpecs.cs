using SplitFrozen.Domain.Costs;
using SplitFrozen.Domain.Models;
using SplitFrozen.Model.Tests.Support;

namespace SplitFrozen.Model.Tests.Costs;

/// <summary>What F keeps, by formula and in the native heap, which tests beside this one would use as well.</summary>
[Collection(nameof(AloneInTheProcess))]
public sealed class KeptBytesSpecs
{
    private const int Tokens = 512;

    [Theory(DisplayName = "A further block keeps the bytes that the formula gives")]
    [InlineData(ModelFamily.Gpt2)]
    [InlineData(ModelFamily.Llama)]
    public void Should_keep_what_the_formula_says(ModelFamily family)
    {
        using var folder = new TestFolder();
        int keyHeads = family == ModelFamily.Gpt2 ? 4 : 2;
        var shape = new ModelShape(family, 5, 256, 4, keyHeads, 64, 1024, 32, 128, true, 4);
        RandomModel.Write(folder.Path, shape, 1);
        var model = HuggingFaceModel.Open(folder.Path);
        var spec = Specs.Classify(2, 0, rank: 8);

        long one = Kept(model, spec with { Stage = new BlockRange(1, 2) }, shape);
        long three = Kept(model, spec with { Stage = new BlockRange(1, 4) }, shape);
        double expected = 2.0 * MemoryCosts.Kept(shape, spec.Lora, Tokens, isFirst: false);
        Assert.InRange((three - one) / expected, 0.97, 1.03);
    }

    private static long Kept(HuggingFaceModel model, TrainerSpec spec, ModelShape shape)
    {
        using var stage = model.LoadTrainer(spec);
        float[] rows = new float[Tokens * shape.Width];
        float[] gradient = new float[rows.Length];
        var batch = new ActivationBatch(rows, [128, 128, 128, 128], [], new long[4]);
        Run();
        // The median of some: the runtime's compiler takes from the native heap too, when it likes to.
        return Enumerable.Range(0, 5).Select(_ => Run()).Order().ElementAt(2);

        long Run()
        {
            long before = NativeHeap.BytesInUse();
            stage.Forward(0, 0, batch, rows);
            long kept = NativeHeap.BytesInUse() - before;
            stage.BackwardInput(0, rows, gradient);
            stage.BackwardWeights(0);
            return kept;
        }
    }
}
