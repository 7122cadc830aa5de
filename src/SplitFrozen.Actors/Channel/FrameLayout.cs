namespace SplitFrozen.Actors.Channel;

/// <summary>
/// Byte layout of a frame, little-endian. Fixed part: 0 magic u32, 4 version u16, 6 codec u8, 7 zero u8, 8 header bytes i32,
/// 12 payload bytes i32, 16 incarnation i64, 24 allocation i32, 28 grant epoch i32, 32 grant number i32, 36 unit i32, 40 depth i32,
/// 44 width i32, 48 samples N i32, 52 tokens T i32, 56 targets i32, 60 place of the frame in its life i32. Then sample indices i32[N],
/// lengths i32[N], targets i32, and the checksum u64 (XXH3) of all header bytes before it. Then the encoded activations [T, D], and their
/// checksum u64 (XXH3). Both checksums follow what they cover, so that each end passes over the data once, while it is in the processor's cache.
/// </summary>
internal static class FrameLayout
{
    public const uint Magic = 0x55414653; // "SFAU"
    public const int FixedBytes = 64;
    public const int ChecksumBytes = 8;

    public const int Version = 4;
    public const int Codec = 6;
    public const int HeaderBytes = 8;
    public const int PayloadBytes = 12;
    public const int Incarnation = 16;
    public const int Allocation = 24;
    public const int GrantEpoch = 28;
    public const int GrantNumber = 32;
    public const int Unit = 36;
    public const int Depth = 40;
    public const int Width = 44;
    public const int Samples = 48;
    public const int Tokens = 52;
    public const int Targets = 56;
    public const int Sequence = 60;

    /// <summary>Bytes of a whole header; 64-bit, since the counts may lie.</summary>
    public static long HeaderSize(int samples, int targets) =>
        FixedBytes + (4L * samples * 2) + (4L * targets) + ChecksumBytes;
}
