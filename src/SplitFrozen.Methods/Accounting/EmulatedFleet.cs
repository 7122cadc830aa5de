namespace SplitFrozen.Methods.Accounting;

/// <summary>Emulated devices, links and server that times are computed for: all devices alike, each with a link of its own.</summary>
/// <param name="Name">Its name.</param>
/// <param name="DeviceFlops">Floating-point operations a second of a device.</param>
/// <param name="LinkBytes">Bytes a second of its link, in each direction.</param>
/// <param name="LatencySeconds">One-way delay.</param>
/// <param name="ServerFlops">Floating-point operations a second of the server.</param>
public sealed record EmulatedFleet(string Name, double DeviceFlops, double LinkBytes, double LatencySeconds, double ServerFlops)
{
    /// <summary>Profile <c>paper</c>: the paper's links of 600 Mbit/s. Its devices and server are not known: an accelerator of 1 TFLOP/s and a server of 6 TFLOP/s are assumed.</summary>
    public static EmulatedFleet Paper { get; } = new("paper", 1e12, 600e6 / 8, 0, 6e12);

    /// <summary>Seconds that bytes take over a link.</summary>
    public double Transfer(double bytes) => bytes > 0 ? LatencySeconds + (bytes / LinkBytes) : 0;
}
