using System.IO.Hashing;
using System.Text;

using SplitFrozen.Protocol;

namespace SplitFrozen.Domain.Sampling;

/// <summary>Numbers that identify samples of a run on every node alike, whatever the order or grouping in which they are trained.</summary>
public static class SampleKey
{
    /// <summary>XXH3 of the device's id (UTF-8), seeded with the sample's index.</summary>
    public static long Of(DeviceId device, int index) =>
        unchecked((long)XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(device.Value), index));
}
