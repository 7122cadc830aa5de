using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Files;

/// <summary>Reads tensors from mapped files into tensors of the CPU, copying once.</summary>
internal static unsafe class TensorReader
{
    /// <summary>Numbers written through one span, which cannot exceed 2 GiB.</summary>
    private const long ChunkElements = 1 << 26;

    /// <summary>Rows whose transposed copies are made together: a cache line of columns.</summary>
    private const long TransposedRows = 64;

    /// <summary>Reads a tensor as float32. The caller owns it.</summary>
    public static Tensor Expanded(StoredTensor stored)
    {
        var target = torch.empty(stored.Shape, ScalarType.Float32);
        if (stored.Entry.Bytes > 0)
        {
            using var range = MappedRange.Open(stored.Path, stored.Entry);
            Expand(stored, range.Start, target, stored.StoredRow);
        }

        return target;
    }

    /// <summary>Reads a tensor's bytes as they are stored, rows in Hugging Face's order: [rows, bytes of a row]. The caller owns it.</summary>
    public static Tensor Bytes(StoredTensor stored)
    {
        long rowBytes = stored.Format.Bytes(stored.Columns);
        var target = torch.empty(stored.Rows, rowBytes, dtype: ScalarType.Byte);
        using var range = MappedRange.Open(stored.Path, stored.Entry);
        long chunk = Math.Max(1, ChunkElements / rowBytes);
        for (long first = 0; first < stored.Rows; first += chunk)
        {
            long rows = Math.Min(chunk, stored.Rows - first);
            using var part = target.narrow(0, first, rows);
            var bytes = part.bytes;
            for (long row = 0; row < rows; row++)
            {
                new ReadOnlySpan<byte>(range.Start + (stored.StoredRow(first + row) * rowBytes), (int)rowBytes).CopyTo(bytes[(int)(row * rowBytes)..]);
            }
        }

        return target;
    }

    /// <summary>Expands stored bytes into a tensor of float32 in Hugging Face's form.</summary>
    /// <param name="stored">What is expanded.</param>
    /// <param name="source">Its bytes.</param>
    /// <param name="target">Contiguous; receives the numbers.</param>
    /// <param name="sourceRow">Where a row lies in <paramref name="source"/>.</param>
    public static void Expand(StoredTensor stored, byte* source, Tensor target, Func<long, long> sourceRow)
    {
        if (stored.Transposed)
        {
            ExpandTransposed(stored, source, target);
        }
        else
        {
            ExpandRows(stored, source, target, sourceRow);
        }
    }

    private static void ExpandRows(StoredTensor stored, byte* source, Tensor target, Func<long, long> sourceRow)
    {
        var format = stored.Format;
        long columns = stored.Columns;
        long rowBytes = format.Bytes(columns);
        long chunk = Math.Max(1, ChunkElements / columns);
        using var flat = target.view(-1);
        for (long first = 0; first < stored.Rows; first += chunk)
        {
            long rows = Math.Min(chunk, stored.Rows - first);
            using var part = flat.narrow(0, first * columns, rows * columns);
            var numbers = MemoryMarshal.Cast<byte, float>(part.bytes);
            if (stored.PairedHeads == 0)
            {
                Expansion.Run(format, source + (first * rowBytes), numbers);
                continue;
            }

            for (long row = 0; row < rows; row++)
            {
                Expansion.Run(format, source + (sourceRow(first + row) * rowBytes), numbers.Slice((int)(row * columns), (int)columns));
            }
        }
    }

    /// <summary>[out, in] as stored to [in, out]: some rows at a time are expanded beside the target and copied into its columns.</summary>
    private static void ExpandTransposed(StoredTensor stored, byte* source, Tensor target)
    {
        var format = stored.Format;
        long columns = stored.Columns;
        long rowBytes = format.Bytes(columns);
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var rows = torch.empty(Math.Min(TransposedRows, stored.Rows), columns, dtype: ScalarType.Float32);
        for (long first = 0; first < stored.Rows; first += TransposedRows)
        {
            using var step = NewDisposeScope();
            long count = Math.Min(TransposedRows, stored.Rows - first);
            var part = rows.narrow(0, 0, count);
            Expansion.Run(format, source + (first * rowBytes), MemoryMarshal.Cast<byte, float>(part.bytes));
            target.narrow(1, first, count).copy_(part.t());
        }
    }
}
