using System.Runtime.InteropServices;

using SplitFrozen.Domain.Models;

namespace SplitFrozen.Methods;

/// <summary>Averages adapters: tensor by tensor and number by number, so that A, B and head are each averaged on their own.</summary>
internal static class AdapterAverage
{
    /// <summary>The weighted average.</summary>
    /// <param name="adapters">Adapters with weights above 0; all have the same tensors in the same order. At least one.</param>
    public static IReadOnlyList<TensorData> Of(IReadOnlyList<(IReadOnlyList<TensorData> Tensors, double Weight)> adapters)
    {
        // An average of one is that one, to the last bit.
        if (adapters.Count == 1)
        {
            return adapters[0].Tensors;
        }

        var total = adapters.Sum(a => a.Weight);
        return [.. adapters[0].Tensors.Select((first, i) => first with { Bytes = Average([.. adapters.Select(a => (a.Tensors[i], a.Weight / total))]) })];
    }

    private static byte[] Average(IReadOnlyList<(TensorData Tensor, double Share)> parts)
    {
        var first = parts[0].Tensor;
        var count = first.Shape.Aggregate(1L, (product, size) => product * size);
        if (parts.Any(p => p.Tensor.Name != first.Name || p.Tensor.Bytes.Length != first.Bytes.Length))
        {
            throw new ArgumentException($"Adapters to be averaged differ in {first.Name}.", nameof(parts));
        }

        var sum = new double[count];
        foreach (var (tensor, share) in parts)
        {
            Add(tensor.Bytes.Span, share, sum);
        }

        return sum.Length > 0 && first.Bytes.Length / sum.Length == sizeof(double)
            ? MemoryMarshal.AsBytes<double>(sum).ToArray()
            : MemoryMarshal.AsBytes<float>(Array.ConvertAll(sum, s => (float)s)).ToArray();
    }

    private static void Add(ReadOnlySpan<byte> bytes, double share, double[] sum)
    {
        if (sum.Length > 0 && bytes.Length / sum.Length == sizeof(double))
        {
            var doubles = MemoryMarshal.Cast<byte, double>(bytes);
            for (var i = 0; i < sum.Length; i++)
            {
                sum[i] += share * doubles[i];
            }

            return;
        }

        var singles = MemoryMarshal.Cast<byte, float>(bytes);
        for (var i = 0; i < sum.Length; i++)
        {
            sum[i] += share * singles[i];
        }
    }
}
