using SplitFrozen.Model.Files;
using TorchSharp;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Blocks;

/// <summary>
/// A frozen matrix held in its file's number format, in memory of the CPU. It is expanded when it is used: whole, into a buffer that
/// matrices share, or row by row. The numbers are those of the expanded form, bit for bit.
/// </summary>
internal sealed unsafe class StoredMatrix : IDisposable
{
    /// <summary>Below this many numbers a share of the work is not worth a thread.</summary>
    private const long LeastElementsOfThread = 1 << 16;

    private readonly StoredTensor _stored;
    private readonly NumberFormat _format;
    private readonly Tensor _bytes;
    private readonly ExpansionBuffer _buffer;
    private readonly long _rowBytes;
    private readonly long[] _shape;

    /// <summary>Reads a matrix.</summary>
    /// <param name="stored">Where it lies.</param>
    /// <param name="buffer">Where it is expanded as a whole.</param>
    public StoredMatrix(StoredTensor stored, ExpansionBuffer buffer)
    {
        _stored = stored;
        _format = stored.Format;
        _buffer = buffer;
        _shape = stored.Shape;
        _rowBytes = _format.Bytes(stored.Columns);
        _bytes = TensorReader.Bytes(stored).DetachFromDisposeScope();
    }

    /// <summary>Bytes held.</summary>
    public long Bytes => _stored.Entry.Bytes;

    /// <summary>Makes room for <see cref="Expand"/>.</summary>
    public void ReserveBuffer() => _buffer.Reserve(_stored.Entry.Elements);

    /// <summary>The matrix as float32, valid until the next one is expanded; it belongs to the open dispose scope.</summary>
    public Tensor Expand()
    {
        var target = _buffer.View(_shape);
        byte* source = (byte*)TensorMemory.Address(_bytes);
        if (_stored.Transposed)
        {
            TensorReader.ExpandTransposed(_stored, source, target);
        }
        else
        {
            ExpandRows(source, (float*)TensorMemory.Address(target));
        }

        return target;
    }

    /// <summary>The rows [R, D] of the indices [R], int64 of the CPU, as float32; they belong to the open dispose scope.</summary>
    public Tensor Rows(Tensor indices)
    {
        long columns = _stored.Columns;
        var rows = torch.empty(indices.shape[0], columns, dtype: ScalarType.Float32);
        byte* source = (byte*)TensorMemory.Address(_bytes);
        float* target = (float*)TensorMemory.Address(rows);
        long* index = (long*)TensorMemory.Address(indices);
        for (long i = 0; i < rows.shape[0]; i++)
        {
            Expansion.Run(_format, source + (index[i] * _rowBytes), target + (i * columns), columns);
        }

        return rows;
    }

    /// <inheritdoc/>
    public void Dispose() => _bytes.Dispose();

    private void ExpandRows(byte* source, float* target)
    {
        long elements = _stored.Entry.Elements;
        int threads = (int)Math.Min(Math.Min(TorchRuntime.Threads, elements / LeastElementsOfThread), _stored.Rows);
        if (threads <= 1)
        {
            Expansion.Run(_format, source, target, elements);
            return;
        }

        long share = (_stored.Rows + threads - 1) / threads;
        Parallel.For(0, threads, new ParallelOptions { MaxDegreeOfParallelism = threads }, part =>
        {
            long first = part * share;
            long rows = Math.Min(share, _stored.Rows - first);
            if (rows > 0)
            {
                Expansion.Run(_format, source + (first * _rowBytes), target + (first * _stored.Columns), rows * _stored.Columns);
            }
        });
    }
}
