namespace SplitFrozen.Cli.Benchmarks.Channel;

/// <summary>What carries activations in a measurement.</summary>
internal enum Carrier
{
    /// <summary>The activation channel.</summary>
    Channel,

    /// <summary>A blocking socket, with a checksum on both ends and a test for finite values.</summary>
    RawChecked,

    /// <summary>A blocking socket that looks at nothing.</summary>
    Raw,
}

/// <summary>One measurement's part of a sender.</summary>
/// <param name="Carrier">What carries.</param>
/// <param name="Tls">Whether over TLS.</param>
/// <param name="Port">Where on loopback.</param>
/// <param name="Token">Token of the channel.</param>
/// <param name="Device">Name of the sender.</param>
/// <param name="Tokens">Tokens of a frame, each of <see cref="ChannelBench.Width"/> values.</param>
/// <param name="Frames">Frames to send.</param>
internal sealed record SenderOrder(Carrier Carrier, bool Tls, int Port, string Token, string Device, int Tokens, int Frames);

/// <summary>What a measurement cost a sender.</summary>
/// <param name="CpuSeconds">Processor time of the process.</param>
/// <param name="AllocatedBytes">Managed memory it allocated.</param>
internal sealed record SenderReport(double CpuSeconds, long AllocatedBytes);

/// <summary>Processor time and allocation of this process between two points.</summary>
internal sealed class Costs
{
    private readonly TimeSpan _cpu = Environment.CpuUsage.TotalTime;
    private readonly long _allocated = GC.GetTotalAllocatedBytes(precise: true);

    /// <summary>Since this was made.</summary>
    public SenderReport Report() =>
        new((Environment.CpuUsage.TotalTime - _cpu).TotalSeconds, GC.GetTotalAllocatedBytes(precise: true) - _allocated);
}
