using SplitFrozen.Model.Files;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Blocks;

/// <summary>A frozen table of rows.</summary>
internal sealed class EmbeddingTable : nn.Module, IHoldsStored
{
    private readonly Parameter? _weight;
    private readonly StoredMatrix? _stored;

    /// <summary>Loads <c>name.weight</c>.</summary>
    public EmbeddingTable(WeightStore weights, string name, int rows, int width) : base(nameof(EmbeddingTable))
    {
        _stored = weights.LoadStored($"{name}.weight", rows, width);
        if (_stored is null)
        {
            _weight = new Parameter(weights.Load($"{name}.weight", rows, width), requires_grad: false);
            register_parameter("weight", _weight);
        }
    }

    /// <inheritdoc/>
    public long StoredBytes => _stored?.Bytes ?? 0;

    /// <summary>The rows [R, D] of the indices [R], int64. Of a table that is held as stored, these rows alone are expanded.</summary>
    public Tensor Forward(Tensor indices) => _stored is null ? _weight!.index_select(0, indices) : _stored.Rows(indices);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _stored?.Dispose();
        base.Dispose(disposing);
    }
}
