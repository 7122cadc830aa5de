using SplitFrozen.Model.Files;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Blocks;

/// <summary>A frozen table of rows.</summary>
internal sealed class EmbeddingTable : nn.Module
{
    private readonly Parameter _weight;

    /// <summary>Loads <c>name.weight</c>.</summary>
    public EmbeddingTable(WeightStore weights, string name, int rows, int width) : base(nameof(EmbeddingTable))
    {
        _weight = new Parameter(weights.Load($"{name}.weight", rows, width), requires_grad: false);
        register_parameter("weight", _weight);
    }

    /// <summary>The rows [R, D] of the indices [R], int64.</summary>
    public Tensor Forward(Tensor indices) => _weight.index_select(0, indices);
}
