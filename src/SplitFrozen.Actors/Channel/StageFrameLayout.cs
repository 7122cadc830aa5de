namespace SplitFrozen.Actors.Channel;

/// <summary>
/// Byte layout of what travels between server nodes, and between the server and devices that train, little-endian. Fixed part: 0 magic u32, 4 version u16,
/// 6 kind u8, 7 zero u8, 8 header bytes i32, 12 payload bytes i32, 16 eight i32 that depend on the kind, 48 life i64: the device's incarnation, 0 between servers.
/// <para>Rows: stage, generation, step, index, samples N, tokens T, targets, width D; then lengths i32[N], targets i32, keys i64[N], and the checksum u64 (XXH3)
/// of all header bytes before it; then the rows [T, D] fp32 and their checksum u64, as in the activation channel.</para>
/// <para>A tensor: stage (on a device's link: what it is part of), steps (there: a number of its own), place, count, 1 of the optimiser, bytes of the name, rank, zero; then name (UTF-8), sizes i64, checksum u64; then its bytes
/// and their checksum u64.</para>
/// </summary>
internal static class StageFrameLayout
{
    public const uint Magic = 0x53414653; // "SFAS"
    public const int FixedBytes = 56;
    public const int ChecksumBytes = 8;

    public const int Version = 4;
    public const int Kind = 6;
    public const int HeaderBytes = 8;
    public const int PayloadBytes = 12;
    public const int Values = 16;
    public const int Life = 48;

    /// <summary>Kind of a tensor; kinds below it are those of rows.</summary>
    public const byte TensorKind = 3;

    /// <summary>Longest name of a tensor in bytes.</summary>
    public const int MostNameBytes = 1024;

    /// <summary>Most sizes of a tensor.</summary>
    public const int MostRank = 8;

    public static long RowsHeader(int samples, int targets) => FixedBytes + (12L * samples) + (4L * targets) + ChecksumBytes;

    public static long TensorHeader(int nameBytes, int rank) => FixedBytes + nameBytes + (8L * rank) + ChecksumBytes;
}
