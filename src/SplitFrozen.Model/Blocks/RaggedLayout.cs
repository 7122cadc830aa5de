using System.Runtime.InteropServices;

using TorchSharp;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Blocks;

/// <summary>
/// How the rows of a ragged batch belong to samples: N samples with lengths S_i, T = ΣS_i rows, sample after sample, positions counted
/// from 0 in each. Tensors belong to the dispose scope that is open on creation.
/// </summary>
internal sealed class RaggedLayout
{
    private readonly Device _device;

    /// <summary>A layout over samples of these lengths.</summary>
    /// <param name="lengths">Tokens of each sample [N].</param>
    /// <param name="context">The model's longest sequence.</param>
    /// <param name="device">Where index tensors go.</param>
    /// <exception cref="ArgumentException">There is no sample, or a length is outside 1..<paramref name="context"/>.</exception>
    public RaggedLayout(ReadOnlySpan<int> lengths, int context, Device device)
    {
        if (lengths.IsEmpty)
        {
            throw new ArgumentException("A batch needs at least one sample.", nameof(lengths));
        }

        long rows = 0;
        foreach (int length in lengths)
        {
            if (length < 1 || length > context)
            {
                throw new ArgumentException($"A sample has {length} tokens; from 1 to {context} are possible.", nameof(lengths));
            }

            rows += length;
        }

        if (rows > int.MaxValue)
        {
            throw new ArgumentException($"A batch has {rows} rows; at most {int.MaxValue} are possible.", nameof(lengths));
        }

        _device = device;
        Rows = (int)rows;
        Lengths = new long[lengths.Length];
        for (int i = 0; i < lengths.Length; i++)
        {
            Lengths[i] = lengths[i];
        }

        IsUniform = !lengths.ContainsAnyExcept(lengths[0]);
    }

    /// <summary>Number of rows T.</summary>
    public int Rows { get; }

    /// <summary>Number of samples N.</summary>
    public int Samples => Lengths.Length;

    /// <summary>Tokens of each sample [N].</summary>
    public long[] Lengths { get; }

    /// <summary>Whether all samples have the same length.</summary>
    public bool IsUniform { get; }

    /// <summary>Position of each sample's first row [N]; above 0 where the rows before it were computed earlier. Empty: 0 for all.</summary>
    public int[] FirstPositions { get; init; } = [];

    /// <summary>Position of each row in its sample [T], int64.</summary>
    public Tensor Positions()
    {
        var positions = torch.empty(Rows, ScalarType.Int64);
        var rows = MemoryMarshal.Cast<byte, long>(positions.bytes);
        int row = 0;
        for (int sample = 0; sample < Samples; sample++)
        {
            int first = FirstPositions.Length == 0 ? 0 : FirstPositions[sample];
            for (int position = 0; position < Lengths[sample]; position++)
            {
                rows[row++] = first + position;
            }
        }

        return positions.to(_device, disposeAfter: true);
    }

    /// <summary>Row of each sample's last token [N].</summary>
    public int[] LastRows()
    {
        int[] last = new int[Samples];
        int end = 0;
        for (int i = 0; i < last.Length; i++)
        {
            end += (int)Lengths[i];
            last[i] = end - 1;
        }

        return last;
    }
}
