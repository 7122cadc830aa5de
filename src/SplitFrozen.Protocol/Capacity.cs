namespace SplitFrozen.Protocol;

/// <summary>Capacity that a node measured itself; shared by the devices on it.</summary>
/// <param name="LayerTokensPerSecond">Tokens a second through one frozen block.</param>
/// <param name="FreeMemoryBytes">Memory the node may still use, in bytes.</param>
public readonly record struct Capacity(double LayerTokensPerSecond, long FreeMemoryBytes)
{
    /// <summary>Bytes a second over the node's link to the server, or 0 before anything was sent.</summary>
    public double LinkBytesPerSecond { get; init; }

    /// <summary>Forward units that the device was granted and has not begun.</summary>
    public int QueueLength { get; init; }

    /// <summary>What is wrong with the values, or null.</summary>
    public string? Fault() =>
        !double.IsFinite(LayerTokensPerSecond) || LayerTokensPerSecond < 0 || FreeMemoryBytes < 0
        || !double.IsFinite(LinkBytesPerSecond) || LinkBytesPerSecond < 0 || QueueLength < 0
            ? "a capacity is not a finite, non-negative number" : null;
}

/// <summary>Running totals of one life of a device.</summary>
/// <param name="ForwardedSamples">Samples run forward, resends included.</param>
/// <param name="ForwardedTokens">Tokens of those samples.</param>
/// <param name="Flops">Floating-point operations by the cost model.</param>
/// <param name="BytesSent">Bytes written to the activation channel, headers included.</param>
/// <param name="BusySeconds">Seconds spent computing; emulated waiting included.</param>
/// <param name="Operations">Forward units run.</param>
/// <param name="Overruns">Forward units whose real time exceeded their emulated time.</param>
public readonly record struct WorkDone(
    long ForwardedSamples, long ForwardedTokens, double Flops, long BytesSent, double BusySeconds, long Operations, long Overruns)
{
    /// <summary>Bytes read from the channel, headers included: adapters and gradients, in the methods in which devices train.</summary>
    public long BytesReceived { get; init; }

    /// <summary>Adds two totals.</summary>
    public static WorkDone operator +(WorkDone a, WorkDone b) => new(
        a.ForwardedSamples + b.ForwardedSamples, a.ForwardedTokens + b.ForwardedTokens, a.Flops + b.Flops, a.BytesSent + b.BytesSent,
        a.BusySeconds + b.BusySeconds, a.Operations + b.Operations, a.Overruns + b.Overruns)
    {
        BytesReceived = a.BytesReceived + b.BytesReceived,
    };

    /// <summary>What is wrong with the values, or null.</summary>
    public string? Fault() =>
        ForwardedSamples < 0 || BytesReceived < 0 || ForwardedTokens < 0 || !double.IsFinite(Flops) || BytesSent < 0 || !double.IsFinite(BusySeconds) || Operations < 0 || Overruns < 0
            ? "a total is negative or not finite" : null;
}
