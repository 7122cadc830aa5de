using TorchSharp;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Files;

/// <summary>Reads tensors from mapped files into tensors of the CPU, copying once.</summary>
internal static unsafe class TensorReader
{
    /// <summary>Rows that are expanded and transposed together: a cache line of the target's columns, and little memory beside it.</summary>
    private const long TransposedRows = 64;

    /// <summary>Reads a tensor as float32, in Hugging Face's form. The caller owns it.</summary>
    public static Tensor Expanded(StoredTensor stored)
    {
        var target = torch.empty(stored.Shape, ScalarType.Float32);
        if (stored.Entry.Bytes == 0)
        {
            return target;
        }

        using var range = MappedRange.Open(stored.Path, stored.Entry);
        if (stored.Transposed)
        {
            ExpandTransposed(stored, range.Start, target);
        }
        else
        {
            ExpandRows(stored, range.Start, target);
        }

        return target;
    }

    /// <summary>Reads a matrix as it is stored, its rows in Hugging Face's order: bytes [rows, bytes of a row]. The caller owns it.</summary>
    public static Tensor Bytes(StoredTensor stored)
    {
        long rowBytes = stored.Format.Bytes(stored.Columns);
        var target = torch.empty(stored.Rows, rowBytes, dtype: ScalarType.Byte);
        byte* row = (byte*)TensorMemory.Address(target);
        using var range = MappedRange.Open(stored.Path, stored.Entry);
        for (long i = 0; i < stored.Rows; i++, row += rowBytes)
        {
            Buffer.MemoryCopy(range.Start + (stored.StoredRow(i) * rowBytes), row, rowBytes, rowBytes);
        }

        return target;
    }

    /// <summary>Expands a matrix that is stored as [out, in] into [in, out].</summary>
    /// <param name="stored">What is expanded.</param>
    /// <param name="source">Its bytes.</param>
    /// <param name="target">Receives the numbers.</param>
    public static void ExpandTransposed(StoredTensor stored, byte* source, Tensor target)
    {
        var format = stored.Format;
        long columns = stored.Columns;
        long rowBytes = format.Bytes(columns);
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var rows = torch.empty(Math.Min(TransposedRows, stored.Rows), columns, dtype: ScalarType.Float32);
        float* numbers = (float*)TensorMemory.Address(rows);
        for (long first = 0; first < stored.Rows; first += TransposedRows)
        {
            using var step = NewDisposeScope();
            long count = Math.Min(TransposedRows, stored.Rows - first);
            Expansion.Run(format, source + (first * rowBytes), numbers, count * columns);
            target.narrow(1, first, count).copy_(rows.narrow(0, 0, count).t());
        }
    }

    private static void ExpandRows(StoredTensor stored, byte* source, Tensor target)
    {
        var format = stored.Format;
        float* numbers = (float*)TensorMemory.Address(target);
        if (stored.PairedHeads == 0)
        {
            Expansion.Run(format, source, numbers, stored.Entry.Elements);
            return;
        }

        long columns = stored.Columns;
        long rowBytes = format.Bytes(columns);
        for (long row = 0; row < stored.Rows; row++)
        {
            Expansion.Run(format, source + (stored.StoredRow(row) * rowBytes), numbers + (row * columns), columns);
        }
    }
}
