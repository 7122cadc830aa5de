using static TorchSharp.torch;

namespace SplitFrozen.Model.Blocks;

/// <summary>A frozen normalisation of rows.</summary>
/// <param name="name">Type name, for torch's printing.</param>
internal abstract class Norm(string name) : nn.Module(name)
{
    /// <summary>Normalises each row of [R, D].</summary>
    public abstract Tensor Forward(Tensor x);
}
