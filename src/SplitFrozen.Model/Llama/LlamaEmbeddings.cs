using SplitFrozen.Model.Blocks;
using SplitFrozen.Model.Files;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Llama;

/// <summary>Token embeddings; positions enter by rotation in each block.</summary>
internal sealed class LlamaEmbeddings : Embeddings
{
    private readonly EmbeddingTable _tokens;

    /// <summary>Loads <c>model.embed_tokens</c>.</summary>
    public LlamaEmbeddings(WeightStore weights, LlamaConfig config) : base(nameof(LlamaEmbeddings))
    {
        _tokens = new EmbeddingTable(weights, LlamaArchitecture.TokenTable, config.Vocabulary, config.Width);
        register_module("embed_tokens", _tokens);
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor tokens, RaggedLayout layout) => _tokens.Forward(tokens);
}
