using SplitFrozen.Protocol;

namespace SplitFrozen.Methods.Accounting;

/// <summary>What a whole run of a method costs, by the cost model. Scoring is not counted.</summary>
/// <param name="Devices">Each device.</param>
/// <param name="WallSeconds">Emulated time from the first operation to the last.</param>
/// <param name="ServerFlops">Floating-point operations of the server.</param>
/// <param name="Stages">Seconds that the busiest device, the busiest link and the server were busy.</param>
public sealed record MethodCost(IReadOnlyList<DeviceCost> Devices, double WallSeconds, double ServerFlops, StageLoad Stages)
{
    /// <summary>Floating-point operations of all devices.</summary>
    public double DeviceFlops => Devices.Sum(d => d.Flops);

    /// <summary>Device operations a token that devices ran; 0 where they ran none.</summary>
    public double DeviceFlopsPerToken => Devices.Sum(d => d.Tokens) is var tokens and > 0 ? DeviceFlops / tokens : 0;

    /// <summary>Mean bytes that a device sent.</summary>
    public double MeanBytesUp => Devices.Count == 0 ? 0 : Devices.Average(d => d.BytesUp);

    /// <summary>Mean bytes that a device was sent.</summary>
    public double MeanBytesDown => Devices.Count == 0 ? 0 : Devices.Average(d => d.BytesDown);

    /// <summary>Memory of the device that needs most.</summary>
    public double PeakBytes => Devices.Count == 0 ? 0 : Devices.Max(d => d.PeakBytes);
}

/// <summary>One device's part.</summary>
/// <param name="Id">The device.</param>
/// <param name="Flops">Floating-point operations.</param>
/// <param name="Tokens">Tokens that it ran, each as often as it did.</param>
/// <param name="BytesUp">Bytes sent.</param>
/// <param name="BytesDown">Bytes received.</param>
/// <param name="PeakBytes">Weights, optimiser state and activations at the largest batch.</param>
public sealed record DeviceCost(DeviceId Id, double Flops, long Tokens, double BytesUp, double BytesDown, double PeakBytes);

/// <summary>Busy seconds by stage.</summary>
/// <param name="Device">The busiest device.</param>
/// <param name="Link">The busiest link, both directions.</param>
/// <param name="Server">The server.</param>
public sealed record StageLoad(double Device, double Link, double Server)
{
    /// <summary>The stage that was busy longest.</summary>
    public string Bottleneck => Device >= Link && Device >= Server ? "device" : Link >= Server ? "link" : "server";
}
