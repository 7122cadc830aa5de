using System.Globalization;

using SplitFrozen.Actors.Channel;
using SplitFrozen.Actors.Security;

namespace SplitFrozen.Cli.Benchmarks.Channel;

/// <summary>
/// <c>bench channel</c>: sustained rate, processor time and allocation of the activation channel from 1, 2 and 4 device processes, beside raw blocking
/// sockets that do the same checks and ones that do none, plain and over TLS, and the control plane's round trip meanwhile. Carriers are measured one
/// right after another, many times over; ratios are medians over those pairs, the smaller of the two frame sizes.
/// </summary>
internal static class ChannelBench
{
    /// <summary>Values of a token.</summary>
    public const int Width = 768;

    private const int Rounds = 7;
    private const long PlainBytes = 400L << 20;
    private const long TlsBytes = 160L << 20;
    private const long PlainPingBytes = 4L << 30;
    private const long TlsPingBytes = 1L << 30;

    /// <summary>Tokens of the frames measured.</summary>
    internal static readonly int[] FrameTokens = [512, 2048];

    /// <summary>Device processes that send at once.</summary>
    internal static readonly int[] SenderCounts = [1, 2, 4];

    private static readonly bool[] Protections = [false, true];

    /// <summary>Measures.</summary>
    public static async Task<BenchReport> RunAsync(Action<string> progress)
    {
        using var certificates = new BenchCertificates();
        using var identity = TlsIdentity.Load(BenchCertificates.Settings(certificates.Folder))!;
        var memory = Receiver.NewMemory();
        var control = new ControlPlane();
        await using (control.ConfigureAwait(false))
        {
            var senders = new List<SenderProcess>();
            try
            {
                for (var s = 0; s < SenderCounts.Max(); s++)
                {
                    senders.Add(await SenderProcess.StartAsync($"device-{s}", certificates.Folder, s == 0 ? control.SeedNode : null).ConfigureAwait(false));
                }

                var found = await MeasureAsync(senders, identity, memory, progress).ConfigureAwait(false);
                await PingAsync(senders, identity, memory, control, progress).ConfigureAwait(false);
                return Report(found, control.Milliseconds);
            }
            finally
            {
                senders.ForEach(s => s.Dispose());
            }
        }
    }

    private static async Task<List<Measurement>> MeasureAsync(List<SenderProcess> senders, TlsIdentity identity, ServerMemory memory, Action<string> progress)
    {
        var cells =
            from tls in Protections
            from tokens in FrameTokens
            from count in SenderCounts
            select (Tls: tls, Tokens: tokens, Senders: count);
        var found = new List<Measurement>();

        // The first round warms up: code is compiled, buffers are made.
        for (var round = 0; round <= Rounds; round++)
        {
            progress($"round {round} of {Rounds}{(round == 0 ? " (warms up)" : "")}");
            foreach (var cell in cells)
            {
                foreach (var carrier in Enum.GetValues<Carrier>())
                {
                    var run = new CarrierRun(carrier, cell.Tls, cell.Tokens, senders[..cell.Senders], memory);
                    var measured = await run.MeasureAsync(cell.Tls ? identity : null, cell.Tls ? TlsBytes : PlainBytes).ConfigureAwait(false);
                    if (round > 0)
                    {
                        found.Add(measured);
                    }
                }
            }
        }

        return found;
    }

    /// <summary>Pings while the channel runs flat out; apart from the rates, which the pings' own cost would lower.</summary>
    private static async Task PingAsync(List<SenderProcess> senders, TlsIdentity identity, ServerMemory memory, ControlPlane control, Action<string> progress)
    {
        progress("pings");
        foreach (var tls in Protections)
        {
            foreach (var tokens in FrameTokens)
            {
                var running = new CarrierRun(Carrier.Channel, tls, tokens, senders, memory).MeasureAsync(tls ? identity : null, tls ? TlsPingBytes : PlainPingBytes);
                await control.PingWhileAsync(senders[0].Greeting, running).ConfigureAwait(false);
                await running.ConfigureAwait(false);
            }
        }
    }

    /// <summary>The report of what was measured.</summary>
    /// <param name="found">Rates, of each carrier in the order of the rounds.</param>
    /// <param name="milliseconds">Round trips of the control plane.</param>
    internal static BenchReport Report(List<Measurement> found, IReadOnlyList<double> milliseconds)
    {
        var rows = new List<BenchRow>();
        foreach (var cell in found.GroupBy(m => (m.Carrier, m.Tls, m.Tokens, m.Senders)))
        {
            var name = $"{Name(cell.Key.Carrier)}{(cell.Key.Tls ? " + TLS" : "")}, {FrameName(cell.Key.Tokens)} MB from {cell.Key.Senders}";
            rows.Add(BenchRow.Of(name, "MB/s", cell.Select(m => m.MegabytesPerSecond)));
            rows.Add(BenchRow.Of($"{name}, processor, both ends", "s/GB", cell.Select(m => m.CpuSecondsPerGigabyte)));
        }

        var pings = milliseconds.Order().ToList();
        var p99 = pings[(int)Math.Ceiling(0.99 * pings.Count) - 1];
        rows.Add(new BenchRow("control-plane ping beside 4 senders", "ms", pings[pings.Count / 2], pings[0], pings[^1], pings.Count));
        var allocations = found.Where(m => m.Carrier == Carrier.Channel).GroupBy(m => (m.Tls, m.Tokens, m.Senders))
            .Select(cell => BenchRow.Of("", "", cell.Select(m => m.AllocatedPerByte)).Median);
        var ratios = new Dictionary<string, double?>
        {
            ["plain_vs_raw_1"] = Share(found, tls: false, senders: 1),
            ["plain_vs_raw_4"] = Share(found, tls: false, senders: 4),
            ["tls_vs_rawtls_1"] = Share(found, tls: true, senders: 1),
            ["alloc_share"] = allocations.Max(),
            ["ping_p99_ms"] = p99,
        };
        return new BenchReport("channel", Machine.Current(), ratios, rows, Notes(pings.Count));
    }

    private static string[] Notes(int pings) =>
    [
        "Rates against the raw socket with the same checks; each ratio is the smaller one of both frame sizes, the median over pairs measured one after another.",
        "alloc_share: managed bytes allocated on both ends for each byte of activations, the largest over all cells.",
        $"Senders are processes of their own, the receiver is this one; {pings} pings to a cluster node in the first sender's process.",
    ];

    /// <summary>The channel's rate as a share of the raw copy's with checks.</summary>
    private static double Share(List<Measurement> found, bool tls, int senders) => FrameTokens.Min(tokens =>
    {
        IEnumerable<double> Rates(Carrier carrier) =>
            found.Where(m => m.Carrier == carrier && m.Tls == tls && m.Senders == senders && m.Tokens == tokens).Select(m => m.MegabytesPerSecond);

        return BenchRow.Of("", "", Rates(Carrier.Channel).Zip(Rates(Carrier.RawChecked), (channel, raw) => channel / raw)).Median;
    });

    private static string FrameName(int tokens) => (tokens * Width * sizeof(float) / 1e6).ToString("0.0", CultureInfo.InvariantCulture);

    private static string Name(Carrier carrier) => carrier switch
    {
        Carrier.Channel => "channel",
        Carrier.RawChecked => "raw socket with checks",
        _ => "raw socket without checks",
    };
}
