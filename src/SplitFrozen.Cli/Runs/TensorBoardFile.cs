using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace SplitFrozen.Cli.Runs;

/// <summary>
/// A TensorBoard event file: records of length (u64), masked CRC-32C of the length, an Event message in protobuf's wire format, and its masked CRC-32C, all
/// little-endian (TensorFlow's record_writer.cc and event.proto). Scalars only.
/// </summary>
internal sealed class TensorBoardFile : IDisposable
{
    private const string FileVersion = "brain.Event:2";
    private readonly FileStream _file;

    /// <summary>Makes the file in a folder, under the name by which TensorBoard finds it.</summary>
    public TensorBoardFile(string folder, DateTimeOffset now)
    {
        Directory.CreateDirectory(folder);
        _file = new FileStream(FreeName(folder, now), FileMode.CreateNew, FileAccess.Write, FileShare.Read);
        Write(Event(now, 0, 3, Encoding.UTF8.GetBytes(FileVersion)));
    }

    /// <summary>Writes a number of a step.</summary>
    /// <param name="tag">What it is, such as training/loss.</param>
    /// <param name="value">The number.</param>
    /// <param name="step">The step.</param>
    /// <param name="now">Time of the event.</param>
    public void Scalar(string tag, double value, long step, DateTimeOffset now)
    {
        Span<byte> number = stackalloc byte[sizeof(float)];
        BinaryPrimitives.WriteSingleLittleEndian(number, (float)value);
        byte[] scalar = [.. Field(1, Encoding.UTF8.GetBytes(tag)), (2 << 3) | 5, .. number];
        Write(Event(now, step, 5, Field(1, scalar)));
    }

    /// <summary>Hands what was written to the system, so that a reader sees it.</summary>
    public void Flush() => _file.Flush();

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    /// <summary>A run that was resumed has several files, perhaps of one second.</summary>
    private static string FreeName(string folder, DateTimeOffset now)
    {
        var name = Path.Combine(folder, $"events.out.tfevents.{now.ToUnixTimeSeconds()}.{Environment.MachineName}");
        var free = name;
        for (var next = 2; File.Exists(free); next++)
        {
            free = $"{name}.{next}";
        }

        return free;
    }

    /// <summary>wall_time = 1 (double), step = 2 (int64), and one field of bytes: file_version = 3 or summary = 5.</summary>
    private static byte[] Event(DateTimeOffset now, long step, int field, byte[] content)
    {
        Span<byte> time = stackalloc byte[sizeof(double)];
        BinaryPrimitives.WriteDoubleLittleEndian(time, now.ToUnixTimeMilliseconds() / 1000.0);
        return [(1 << 3) | 1, .. time, 2 << 3, .. Varint((ulong)step), .. Field(field, content)];
    }

    private static byte[] Field(int number, byte[] content) => [(byte)((number << 3) | 2), .. Varint((ulong)content.Length), .. content];

    private static List<byte> Varint(ulong value)
    {
        var bytes = new List<byte>();
        for (; value >= 0x80; value >>= 7)
        {
            bytes.Add((byte)(value | 0x80));
        }

        bytes.Add((byte)value);
        return bytes;
    }

    private void Write(byte[] record)
    {
        Span<byte> length = stackalloc byte[sizeof(ulong)];
        Span<byte> check = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)record.Length);
        _file.Write(length);
        BinaryPrimitives.WriteUInt32LittleEndian(check, MaskedCrc(length));
        _file.Write(check);
        _file.Write(record);
        BinaryPrimitives.WriteUInt32LittleEndian(check, MaskedCrc(record));
        _file.Write(check);
    }

    private static uint MaskedCrc(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var value in bytes)
        {
            crc = BitOperations.Crc32C(crc, value);
        }

        return BitOperations.RotateRight(~crc, 15) + 0xa282ead8;
    }
}
