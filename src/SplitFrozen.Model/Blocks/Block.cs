using static TorchSharp.torch;

namespace SplitFrozen.Model.Blocks;

/// <summary>One transformer block on ragged rows, with the Hugging Face names of its parts.</summary>
/// <param name="name">Type name, for torch's printing.</param>
internal abstract class Block(string name) : nn.Module(name)
{
    /// <summary>Maps rows [T, D] to [T, D], or to [R, D] where the pass needs R rows only.</summary>
    public abstract Tensor Forward(Tensor x, ForwardPass pass);

    /// <summary>The linear modules by their names in the block, such as <c>attn.c_attn</c>.</summary>
    /// <remarks>Torch also lists modules under the names of the fields that hold them; those begin with an underscore.</remarks>
    public IEnumerable<(string Name, Projection Module)> Projections() =>
        from entry in named_modules()
        where entry.module is Projection && !entry.name.Split('.').Any(part => part.StartsWith('_'))
        select (entry.name, (Projection)entry.module);
}
