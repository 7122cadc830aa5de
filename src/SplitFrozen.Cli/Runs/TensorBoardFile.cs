using System.Buffers.Binary;
using System.Numerics;

using Google.Protobuf;

using Tensorboard;

namespace SplitFrozen.Cli.Runs;

/// <summary>
/// A TensorBoard event file: records of length (u64), masked CRC-32C of the length, an Event message, and its masked CRC-32C, all little-endian (TensorFlow's
/// record_writer.cc). The messages are TorchSharp's; its SummaryWriter is not used, because it takes times in whole seconds,
/// stamps the file's start in ticks, and opens the file anew for every number.
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
        Write(new Event { WallTime = Seconds(now), FileVersion = FileVersion });
    }

    /// <summary>Writes a number of a step.</summary>
    /// <param name="tag">What it is, such as training/loss.</param>
    /// <param name="value">The number.</param>
    /// <param name="step">The step.</param>
    /// <param name="now">Time of the event.</param>
    public void Scalar(string tag, double value, long step, DateTimeOffset now)
    {
        var summary = new Summary();
        summary.Value.Add(new Summary.Types.Value { Tag = tag, SimpleValue = (float)value });
        Write(new Event { WallTime = Seconds(now), Step = step, Summary = summary });
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

    private static double Seconds(DateTimeOffset time) => time.ToUnixTimeMilliseconds() / 1000.0;

    private void Write(Event e)
    {
        var record = e.ToByteArray();
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
