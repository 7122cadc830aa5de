using System.Text;

using SplitFrozen.Protocol;

namespace SplitFrozen.Domain.Store;

/// <summary>How much room stored samples take: what the store itself goes by, and a simulation of it.</summary>
public static class StoreSizes
{
    /// <summary>Bytes of a record's head without the device's id.</summary>
    public const int HeadBytes = 64;

    /// <summary>Bytes of the seal behind a record.</summary>
    public const int SealBytes = 16;

    private const int LargestSegment = 64 << 20;
    private const int SmallestSegment = 64 << 10;
    private const int SegmentsInLimit = 16;

    /// <summary>Bytes of a whole record.</summary>
    /// <param name="device">The device that has the sample.</param>
    /// <param name="tokens">Rows S.</param>
    /// <param name="targets">Number of targets.</param>
    /// <param name="rowBytes">Bytes of a row as the store's codec writes it.</param>
    public static int Record(DeviceId device, int tokens, int targets, int rowBytes) =>
        checked(HeadBytes + Encoding.UTF8.GetByteCount(device.Value) + (sizeof(int) * targets) + (tokens * rowBytes) + SealBytes);

    /// <summary>Bytes at which a segment is full: few enough that dropping one costs little, many enough that there are not too many.</summary>
    /// <param name="limit">Most bytes of all segments.</param>
    public static int Segment(long limit) => (int)Math.Clamp(limit / SegmentsInLimit, SmallestSegment, LargestSegment);
}
