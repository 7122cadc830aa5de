namespace SplitFrozen.Model.Files;

/// <summary>Where one tensor lies in a weight file.</summary>
/// <param name="Name">Name in the file.</param>
/// <param name="TypeName">Number format as the file spells it, such as F16.</param>
/// <param name="Shape">Sizes of the dimensions.</param>
/// <param name="Offset">First byte, counted from the start of the file.</param>
/// <param name="Bytes">Length in bytes.</param>
internal sealed record TensorEntry(string Name, string TypeName, long[] Shape, long Offset, long Bytes)
{
    /// <summary>Product of the sizes.</summary>
    public long Elements => Shape.Aggregate(1L, (product, size) => product * size);
}
