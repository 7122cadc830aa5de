using System.Buffers.Binary;
using System.Text;

using Microsoft.Extensions.Time.Testing;

using SplitFrozen.Cli.Runs;
using SplitFrozen.Cli.Tests.Support;

namespace SplitFrozen.Cli.Tests.Runs;

public sealed class TensorBoardWriterSpecs : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Should_write_scalars_that_can_be_read()
    {
        using (var writer = new TensorBoardWriter(_folder.At("board"), new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddSeconds(1.5))))
        {
            Examples.Run(Examples.Summary()).ToList().ForEach(writer.On);
        }

        var records = Records(File.ReadAllBytes(Assert.Single(Directory.GetFiles(_folder.At("board"), "events.out.tfevents.1.*"))));
        Assert.Contains("brain.Event:2", Encoding.UTF8.GetString(records[0]), StringComparison.Ordinal);
        var first = records.First(r => Encoding.UTF8.GetString(r).Contains("training/loss", StringComparison.Ordinal));
        Assert.Equal(1.5, BinaryPrimitives.ReadDoubleLittleEndian(first.AsSpan(1)));
        Assert.Equal((0x10, 1), (first[9], first[10]));
        Assert.Equal(2.0f, BinaryPrimitives.ReadSingleLittleEndian(first.AsSpan(first.Length - 4)));
        Assert.Contains(records, r => Encoding.UTF8.GetString(r).Contains("evaluation/accuracy", StringComparison.Ordinal));
        Assert.Contains(records, r => Encoding.UTF8.GetString(r).Contains("validation/accuracy", StringComparison.Ordinal));
    }

    /// <summary>The check value of CRC-32C (RFC 3720, B.4: 32 bytes of zeros), as records mask it.</summary>
    [Fact]
    public void Should_mask_the_standard_checksum()
    {
        Assert.Equal(0x8a9136aau, Crc(new byte[32]));
        Assert.Equal(0xe3069283u, Crc("123456789"u8.ToArray()));
    }

    private static List<byte[]> Records(byte[] bytes)
    {
        var records = new List<byte[]>();
        for (var at = 0; at < bytes.Length;)
        {
            var length = (int)BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(at));
            var record = bytes.AsSpan(at + 12, length).ToArray();
            Assert.Equal(Masked(bytes.AsSpan(at, 8).ToArray()), BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at + 8)));
            Assert.Equal(Masked(record), BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at + 12 + length)));
            records.Add(record);
            at += 16 + length;
        }

        return records;
    }

    private static uint Masked(byte[] bytes)
    {
        var crc = Crc(bytes);
        return ((crc >> 15) | (crc << 17)) + 0xa282ead8;
    }

    /// <summary>CRC-32C bit by bit, from its polynomial.</summary>
    private static uint Crc(byte[] bytes)
    {
        var crc = uint.MaxValue;
        foreach (var value in bytes)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x82f63b78 : crc >> 1;
            }
        }

        return ~crc;
    }
}
