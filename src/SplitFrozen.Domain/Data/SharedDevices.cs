using System.Globalization;

using SplitFrozen.Protocol;

namespace SplitFrozen.Domain.Data;

/// <summary>Ids of the devices that shared data is split into: device-0, device-1, …</summary>
public static class SharedDevices
{
    private const string Prefix = "device-";

    /// <summary>The id of a part.</summary>
    public static DeviceId Id(int part) => new(Prefix + part.ToString(CultureInfo.InvariantCulture));

    /// <summary>The part that an id names, or null.</summary>
    public static int? Part(DeviceId id) =>
        id.Value.StartsWith(Prefix, StringComparison.Ordinal)
        && int.TryParse(id.Value.AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var part)
        && Id(part) == id
            ? part : null;

    /// <summary>Whether the id names one of so many parts.</summary>
    public static bool Contains(DeviceId id, int devices) => Part(id) < devices;
}
