using System.Runtime.InteropServices;
using SplitFrozen.Model.Blocks;
using TorchSharp;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Lora;

/// <summary>
/// Dropout masks of adapter inputs. A mask is a pure function of (seed, step, sample, module, position, feature): neither the batch that a
/// sample is in nor the split into micro-batches matters.
/// </summary>
/// <param name="probability">Share of inputs that become zero, in (0, 1).</param>
/// <param name="seed">Seed of the run.</param>
/// <param name="step">Optimiser step.</param>
/// <param name="sampleKeys">A number per sample [N].</param>
internal sealed class LoraDropout(double probability, long seed, int step, long[] sampleKeys)
{
    private readonly ulong _stepKey = StableHash.Combine(StableHash.Mix((ulong)seed), step);
    private readonly uint _threshold = (uint)Math.Min(uint.MaxValue, probability * (1L << 32));
    private readonly float _kept = (float)(1 / (1 - probability));

    /// <summary>Zero or 1 / (1 − p) for each input [R, width].</summary>
    /// <param name="module">Name of the module.</param>
    /// <param name="pass">Tells which sample and position each row is.</param>
    /// <param name="selection">Which rows of the batch are wanted; null for all.</param>
    /// <param name="width">Inputs of the module.</param>
    /// <param name="device">Where the mask goes.</param>
    public Tensor Mask(string module, ForwardPass pass, RowSelection? selection, int width, Device device)
    {
        ulong moduleKey = StableHash.Combine(_stepKey, module);
        int rows = selection?.Rows.Count ?? pass.Layout.Rows;
        var mask = torch.empty(rows, width);
        var values = MemoryMarshal.Cast<byte, float>(mask.bytes);
        int next = 0;
        int start = 0;
        for (int sample = 0; sample < pass.Layout.Samples; sample++)
        {
            ulong sampleKey = StableHash.Combine(moduleKey, sampleKeys[sample]);
            int end = start + (int)pass.Layout.Lengths[sample];
            while (next < rows && Row(next) < end)
            {
                Fill(values.Slice(next * width, width), StableHash.Combine(sampleKey, Row(next) - start));
                next++;
            }

            start = end;
        }

        return mask.to(device);

        int Row(int index) => selection?.Rows[index] ?? index;
    }

    private void Fill(Span<float> row, ulong key)
    {
        for (int i = 0; i < row.Length; i++)
        {
            row[i] = (uint)(StableHash.Mix(key + (ulong)i) >> 32) < _threshold ? 0 : _kept;
        }
    }
}
