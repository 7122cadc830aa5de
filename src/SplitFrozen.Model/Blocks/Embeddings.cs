using static TorchSharp.torch;

namespace SplitFrozen.Model.Blocks;

/// <summary>Turns tokens into the input of the first block.</summary>
/// <param name="name">Type name, for torch's printing.</param>
internal abstract class Embeddings(string name) : nn.Module(name)
{
    /// <summary>Maps token ids [T], int64, to rows [T, D].</summary>
    public abstract Tensor Forward(Tensor tokens, RaggedLayout layout);
}
