using static TorchSharp.torch;

namespace SplitFrozen.Model.Blocks;

/// <summary>Rotary angles of rows.</summary>
/// <param name="Cosine">[R, 1, Dh].</param>
/// <param name="Sine">[R, 1, Dh].</param>
internal sealed record RotaryAngles(Tensor Cosine, Tensor Sine)
{
    /// <summary>Those of some rows; of all where there is no selection.</summary>
    public RotaryAngles Of(RowSelection? rows) =>
        rows is null ? this : new RotaryAngles(Cosine.index_select(0, rows.Index), Sine.index_select(0, rows.Index));
}
