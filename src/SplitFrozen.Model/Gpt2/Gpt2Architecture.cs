using SplitFrozen.Domain.Costs;
using SplitFrozen.Domain.Models;
using SplitFrozen.Model.Blocks;
using SplitFrozen.Model.Files;

namespace SplitFrozen.Model.Gpt2;

/// <summary>The GPT-2 family.</summary>
internal sealed class Gpt2Architecture(Gpt2Config config) : Architecture
{
    /// <summary>Name of the token embeddings.</summary>
    public const string TokenTable = "transformer.wte";

    /// <inheritdoc/>
    public override string BasePrefix => "transformer.";

    /// <inheritdoc/>
    public override IReadOnlyList<string> UsualTargets => BlockMatrix.UsualTargets(ModelFamily.Gpt2);

    /// <inheritdoc/>
    public override WeightOrder Order => WeightOrder.InputFirst;

    /// <inheritdoc/>
    public override double InitializerRange => config.InitializerRange;

    /// <inheritdoc/>
    public override string LanguageHead => config.TiedHead ? $"{TokenTable}.weight" : "lm_head.weight";

    /// <inheritdoc/>
    public override string FinalNorm => "transformer.ln_f";

    /// <inheritdoc/>
    public override string LanguageModelClass => "GPT2LMHeadModel";

    /// <inheritdoc/>
    public override string ClassifierClass => "GPT2ForSequenceClassification";

    /// <inheritdoc/>
    public override ModelShape Shape(double storedBytes) => new(
        ModelFamily.Gpt2, config.Layers, config.Width, config.Heads, config.Heads, config.Width / config.Heads, config.FeedForward,
        config.Vocabulary, config.Context, config.TiedHead, storedBytes);

    /// <inheritdoc/>
    public override string BlockName(int layer) => $"transformer.h.{layer}";

    /// <inheritdoc/>
    public override Embeddings LoadEmbeddings(WeightStore weights) => new Gpt2Embeddings(weights, config);

    /// <inheritdoc/>
    public override Block LoadBlock(WeightStore weights, int layer) => new Gpt2Block(weights, BlockName(layer), config, layer);

    /// <inheritdoc/>
    public override Norm LoadFinalNorm(WeightStore weights) =>
        new LayerNorm(weights, FinalNorm, config.Width, config.NormEpsilon);
}
