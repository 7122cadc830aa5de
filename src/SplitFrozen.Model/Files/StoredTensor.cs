using SplitFrozen.Domain;

namespace SplitFrozen.Model.Files;

/// <summary>How the rows of a stored tensor lie, compared with Hugging Face's form.</summary>
internal enum RowOrder
{
    /// <summary>As in Hugging Face's form.</summary>
    Kept,

    /// <summary>
    /// Of each query head, rows i and i + Dh/2, which rotate together, lie beside each other (llama.cpp rotates neighbours, Hugging Face halves).
    /// </summary>
    RotaryQueries,

    /// <summary>The same for key heads.</summary>
    RotaryKeys,

    /// <summary>[out, in] where Hugging Face has [in, out] (GPT-2's Conv1D).</summary>
    Transposed,
}

/// <summary>A tensor in a file, and how to read it as Hugging Face's form has it.</summary>
/// <param name="Path">The file.</param>
/// <param name="Entry">Where it lies in the file.</param>
/// <param name="Transposed">Whether rows and columns are exchanged in the file.</param>
/// <param name="PairedHeads">Heads whose rotary pairs lie beside each other in the file; 0 where rows are in order.</param>
internal sealed record StoredTensor(string Path, TensorEntry Entry, bool Transposed = false, int PairedHeads = 0)
{
    /// <summary>How its numbers are stored.</summary>
    /// <exception cref="UserErrorException">In a form that cannot be read.</exception>
    public NumberFormat Format => NumberFormat.Find(Entry.TypeName) ?? throw new UserErrorException(
        $"'{Path}': tensor '{Entry.Name}' is stored as {Entry.TypeName}; F32, F16 and BF16 can be read. Convert the model to one of them.");

    /// <summary>Sizes in Hugging Face's form.</summary>
    public long[] Shape => Transposed ? [Entry.Shape[1], Entry.Shape[0]] : Entry.Shape;

    /// <summary>Rows as stored.</summary>
    public long Rows => Entry.Shape.Length == 0 ? 1 : Entry.Shape[0];

    /// <summary>Numbers of a stored row; 1 for vectors.</summary>
    public long Columns => Entry.Elements / Math.Max(1, Rows);

    /// <summary>The stored row that is row <paramref name="row"/> in Hugging Face's form.</summary>
    public long StoredRow(long row)
    {
        if (PairedHeads == 0)
        {
            return row;
        }

        long width = Rows / PairedHeads;
        long half = width / 2;
        var (head, inHead) = Math.DivRem(row, width);
        return (head * width) + (2 * (inHead % half)) + (inHead / half);
    }
}
