using SplitFrozen.Actors.Channel;
using SplitFrozen.Actors.Security;

namespace SplitFrozen.Cli.Benchmarks.Channel;

/// <summary>What one measurement found.</summary>
internal sealed record Measurement(
    Carrier Carrier, bool Tls, int Tokens, int Senders, double MegabytesPerSecond, double CpuSecondsPerGigabyte, double AllocatedPerByte);

/// <summary>One measurement: some senders at once, by one carrier.</summary>
internal sealed class CarrierRun(Carrier carrier, bool tls, int tokens, IReadOnlyList<SenderProcess> senders, ServerMemory memory)
{
    /// <summary>Measures.</summary>
    /// <param name="identity">Certificates, for TLS.</param>
    /// <param name="bytes">About how much is sent in all.</param>
    public async Task<Measurement> MeasureAsync(TlsIdentity? identity, long bytes)
    {
        var frameBytes = (long)tokens * ChannelBench.Width * sizeof(float);
        var frames = (int)(bytes / frameBytes / senders.Count);
        var meter = new Meter(senders.Count, frameBytes);
        var costs = new Costs();
        List<SenderReport> reports;
        using (var receiver = Receiver.For(carrier, identity, senders.Count, tokens, frames, memory, meter))
        {
            var sending = senders.Select(s => s.SendAsync(
                new SenderOrder(carrier, tls, receiver.Port, receiver.Admit(s.Name), s.Name, tokens, frames))).ToList();
            reports = [.. await Task.WhenAll(sending).ConfigureAwait(false)];
        }

        reports.Add(costs.Report());
        var sent = frameBytes * meter.Frames;
        return new Measurement(
            carrier, tls, tokens, senders.Count, meter.MegabytesPerSecond, reports.Sum(r => r.CpuSeconds) / (sent / 1e9),
            (double)reports.Sum(r => r.AllocatedBytes) / sent);
    }
}
