using SplitFrozen.Protocol;

namespace SplitFrozen.Domain.Allocation;

/// <summary>What is known of one device when layers are dealt out. Rates and memory are those of its node, which the devices on it share.</summary>
/// <param name="Device">The device.</param>
/// <param name="Node">Its node.</param>
/// <param name="LayerTokensPerSecond">Tokens a second through one frozen block, smoothed; 0 where nothing was measured.</param>
/// <param name="LinkBytesPerSecond">Bytes a second from the node to the server, or null where nothing was measured.</param>
/// <param name="FreeMemoryBytes">Memory the node may still use, in bytes, beside what it holds already; null: not known, so not a limit.</param>
/// <param name="QueueLength">Forward units granted and not yet run. No built-in policy reads it; a policy of one's own may.</param>
/// <param name="PreviousLayers">Blocks it holds now, or null before its first allocation.</param>
/// <param name="Samples">Training samples it has.</param>
public sealed record DeviceMeasure(
    DeviceId Device, string Node, double LayerTokensPerSecond, double? LinkBytesPerSecond, long? FreeMemoryBytes, int QueueLength,
    int? PreviousLayers, long Samples);

/// <summary>What the server can do.</summary>
/// <param name="LayerTokensPerSecond">Tokens a second through one frozen block on the server, or null: as fast as the fastest device.</param>
/// <param name="TrainingSecondsPerToken">Seconds that F, B and W of one token take.</param>
/// <param name="SharesCompute">Whether catch-up and training take turns on one processor, so that their times add up, rather than run side by side.</param>
public sealed record ServerMeasure(double? LayerTokensPerSecond, double TrainingSecondsPerToken, bool SharesCompute = true);

/// <summary>The sizes that times and memory follow from.</summary>
/// <param name="TokensPerSample">Mean tokens of a sample.</param>
/// <param name="BytesPerToken">Bytes that one token's activation takes on the wire.</param>
/// <param name="BlockBytes">Memory that one more block takes on a device, in bytes; 0: not known, so not a limit.</param>
public sealed record WorkSizes(double TokensPerSample, double BytesPerToken, long BlockBytes);

/// <summary>Everything a policy decides on.</summary>
/// <param name="Cut">The frozen line C, at least 1.</param>
/// <param name="MinLayers">Fewest blocks a device gets, from 1 to <paramref name="Cut"/>.</param>
/// <param name="Sizes">Sizes of the work.</param>
/// <param name="Server">The server.</param>
/// <param name="Devices">The devices, in any order; ids are unique.</param>
public sealed record AllocationInput(
    int Cut, int MinLayers, WorkSizes Sizes, ServerMeasure Server, IReadOnlyList<DeviceMeasure> Devices)
{
    /// <summary>
    /// The layer counts that a device can be given. The upper end is what its node's memory holds: the blocks it has and those that fit beside them. One block
    /// is always possible, since a node holds one from its start; where memory does not hold the minimum, the range is the single count that it holds.
    /// </summary>
    public (int Low, int High) Range(DeviceMeasure device)
    {
        var fits = (double)Cut;
        if (Sizes.BlockBytes > 0 && device.FreeMemoryBytes is { } free)
        {
            fits = (device.PreviousLayers ?? 0) + Math.Floor((double)free / Sizes.BlockBytes);
        }

        var high = (int)Math.Clamp(fits, 1, Cut);
        return (Math.Min(MinLayers, high), high);
    }

    /// <summary>The server's rate in tokens a second through one block: as measured, else the fastest device's, else 0.</summary>
    public double ServerRate =>
        Server.LayerTokensPerSecond ?? Devices.Select(d => d.LayerTokensPerSecond).DefaultIfEmpty(0).Max();
}
