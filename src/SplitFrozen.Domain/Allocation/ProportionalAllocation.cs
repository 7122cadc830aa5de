using System.Globalization;

using SplitFrozen.Protocol;

namespace SplitFrozen.Domain.Allocation;

/// <summary>A device with the capacity its node measured.</summary>
public sealed record DeviceCapacity(DeviceId Device, string Node, Capacity Capacity);

/// <summary>How many frozen blocks a device runs, and why.</summary>
/// <param name="Device">The device.</param>
/// <param name="Layers">Blocks [0, Layers), from 1 to the cut layer.</param>
/// <param name="Reason">For a person.</param>
public sealed record LayerAssignment(DeviceId Device, int Layers, string Reason);

/// <summary>The paper's allocation: the weaker a device, the fewer layers.</summary>
public static class ProportionalAllocation
{
    /// <summary>n = clamp(round(C · c / max c), 1, C), halves rounded up; c is tokens a second through one block. A device that measured nothing gets one layer.</summary>
    /// <param name="devices">The devices.</param>
    /// <param name="cut">The frozen line C, at least 1.</param>
    public static IReadOnlyList<LayerAssignment> Assign(IReadOnlyList<DeviceCapacity> devices, int cut)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(cut, 1);
        var strongest = devices.Select(d => d.Capacity.LayerTokensPerSecond).DefaultIfEmpty(0).Max();
        return [.. devices.Select(d => Assign(d, strongest, cut))];
    }

    private static LayerAssignment Assign(DeviceCapacity device, double strongest, int cut)
    {
        var capacity = device.Capacity.LayerTokensPerSecond;
        if (capacity <= 0)
        {
            return new LayerAssignment(device.Device, 1, "no capacity measured: 1 layer");
        }

        var share = capacity / strongest;
        var layers = Math.Clamp((int)Math.Round(cut * capacity / strongest, MidpointRounding.AwayFromZero), 1, cut);
        return new LayerAssignment(device.Device, layers, string.Create(
            CultureInfo.InvariantCulture, $"{share:0.00} of the strongest ({capacity:0} tokens/s a layer): {cut} × {share:0.00} ≈ {layers}"));
    }
}
