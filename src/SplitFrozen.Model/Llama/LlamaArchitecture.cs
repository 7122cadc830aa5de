using SplitFrozen.Domain.Costs;
using SplitFrozen.Domain.Models;
using SplitFrozen.Model.Blocks;
using SplitFrozen.Model.Files;
using SplitFrozen.Model.Lora;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Llama;

/// <summary>The Llama family: Llama 2 and 3, SmolLM2 and others of that form.</summary>
internal sealed class LlamaArchitecture(LlamaConfig config) : Architecture
{
    /// <summary>Name of the token embeddings.</summary>
    public const string TokenTable = "model.embed_tokens";

    private readonly float[] _frequencies = RotaryEmbedding.Frequencies(config.Rotary, config.HeadWidth);

    /// <inheritdoc/>
    public override string BasePrefix => "model.";

    /// <inheritdoc/>
    public override IReadOnlyList<string> UsualTargets => BlockMatrix.UsualTargets(ModelFamily.Llama);

    /// <inheritdoc/>
    public override WeightOrder Order => WeightOrder.OutputFirst;

    /// <inheritdoc/>
    public override double InitializerRange => config.InitializerRange;

    /// <inheritdoc/>
    public override string LanguageHead => config.TiedHead ? $"{TokenTable}.weight" : "lm_head.weight";

    /// <inheritdoc/>
    public override string FinalNorm => "model.norm";

    /// <inheritdoc/>
    public override string LanguageModelClass => "LlamaForCausalLM";

    /// <inheritdoc/>
    public override string ClassifierClass => "LlamaForSequenceClassification";

    /// <inheritdoc/>
    public override ModelShape Shape(double storedBytes) => new(
        ModelFamily.Llama, config.Layers, config.Width, config.Heads, config.KeyValueHeads, config.HeadWidth, config.FeedForward,
        config.Vocabulary, config.Context, config.TiedHead, storedBytes);

    /// <inheritdoc/>
    public override string BlockName(int layer) => $"model.layers.{layer}";

    /// <inheritdoc/>
    public override Embeddings LoadEmbeddings(WeightStore weights) => new LlamaEmbeddings(weights, config);

    /// <inheritdoc/>
    public override Block LoadBlock(WeightStore weights, int layer) => new LlamaBlock(weights, BlockName(layer), config);

    /// <inheritdoc/>
    public override Norm LoadFinalNorm(WeightStore weights) => new RmsNorm(weights, FinalNorm, config.Width, config.NormEpsilon);

    /// <inheritdoc/>
    public override ForwardPass Begin(RaggedLayout layout, Device device, LoraTape? tape = null) =>
        new(layout, tape) { Rotary = RotaryEmbedding.Angles(_frequencies, layout, device) };

    /// <inheritdoc/>
    public override ForwardPass Begin(RaggedLayout layout, Device device, IHeldRows cache) =>
        new(layout) { Rotary = RotaryEmbedding.Angles(_frequencies, layout, device), Cache = cache };
}
