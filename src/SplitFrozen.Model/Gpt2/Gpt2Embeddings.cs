using SplitFrozen.Model.Blocks;
using SplitFrozen.Model.Files;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Gpt2;

/// <summary>Token and learned position embeddings.</summary>
internal sealed class Gpt2Embeddings : Embeddings
{
    private readonly EmbeddingTable _tokens;
    private readonly EmbeddingTable _positions;

    /// <summary>Loads <c>transformer.wte</c> and <c>transformer.wpe</c>.</summary>
    public Gpt2Embeddings(WeightStore weights, Gpt2Config config) : base(nameof(Gpt2Embeddings))
    {
        _tokens = new EmbeddingTable(weights, Gpt2Architecture.TokenTable, config.Vocabulary, config.Width);
        _positions = new EmbeddingTable(weights, "transformer.wpe", config.Context, config.Width);
        register_module("wte", _tokens);
        register_module("wpe", _positions);
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor tokens, RaggedLayout layout) =>
        _tokens.Forward(tokens).add_(_positions.Forward(layout.Positions()), Numbers.One);
}
