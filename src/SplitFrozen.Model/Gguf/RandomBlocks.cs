using System.Buffers.Binary;
using SplitFrozen.Model.Files;

namespace SplitFrozen.Model.Gguf;

/// <summary>Random stored numbers: for benchmarks and tests, which need models that nobody has to download.</summary>
internal static class RandomBlocks
{
    /// <summary>Small enough that activations of a model of such numbers stay finite.</summary>
    private const float Scale = 1f / 1024;

    /// <summary>Stored bytes of numbers around zero.</summary>
    /// <param name="format">A number format's name.</param>
    /// <param name="elements">How many numbers; whole blocks.</param>
    /// <param name="random">Source of the numbers.</param>
    public static byte[] Of(string format, long elements, Random random)
    {
        var numbers = NumberFormat.Find(format) ?? throw new ArgumentException($"'{format}' is no number format.", nameof(format));
        byte[] bytes = new byte[numbers.Bytes(elements)];
        random.NextBytes(bytes);
        for (int start = 0; start < bytes.Length; start += numbers.BlockBytes)
        {
            SetScales(numbers, bytes.AsSpan(start, numbers.BlockBytes), random);
        }

        return bytes;
    }

    private static void SetScales(NumberFormat format, Span<byte> block, Random random)
    {
        float spread = random.NextSingle() - 0.5f;
        switch (format.Name)
        {
            case "F32":
                BinaryPrimitives.WriteSingleLittleEndian(block, 16 * Scale * spread);
                break;
            case "BF16":
                BinaryPrimitives.WriteUInt16LittleEndian(block, (ushort)(BitConverter.SingleToUInt32Bits(16 * Scale * spread) >> 16));
                break;
            case "F16":
                WriteHalf(block, 16 * Scale * spread);
                break;
            case "Q4_1" or "Q5_1":
                WriteHalf(block, Scale * spread);
                WriteHalf(block[2..], -8 * Scale * spread);
                break;
            case "Q4_K" or "Q5_K":
                WriteHalf(block, Scale * spread / 16);
                WriteHalf(block[2..], Scale * spread / 2);
                break;
            case "Q6_K":
                WriteHalf(block[^2..], Scale * spread / 64);
                break;
            default:
                WriteHalf(block, format.Name == "Q8_0" ? Scale * spread / 8 : Scale * spread);
                break;
        }
    }

    private static void WriteHalf(Span<byte> bytes, float value) => BinaryPrimitives.WriteHalfLittleEndian(bytes, (Half)value);
}
