using SplitFrozen.Actors.Channel;
using SplitFrozen.Actors.Security;
using SplitFrozen.Protocol;

namespace SplitFrozen.Cli.Benchmarks.Channel;

/// <summary>Sends the frames of one measurement, by the carrier that is asked for.</summary>
/// <param name="identity">Certificates for measurements over TLS.</param>
internal sealed class Sender(TlsIdentity identity)
{
    /// <summary>The life of all senders.</summary>
    public static Incarnation Life { get; } = new(1);

    /// <summary>The grant of all units.</summary>
    public static GrantId Grant { get; } = new(0, 0);

    /// <summary>Units under way at a time.</summary>
    public const int Credits = 4;

    /// <summary>Layout of all units.</summary>
    public static AllocationEpoch Allocation { get; } = new(1);

    /// <summary>Depth of all units.</summary>
    public const int Depth = 1;

    /// <summary>Tokens of a sample.</summary>
    public const int SampleTokens = 128;

    /// <summary>Sends all frames and waits until they are out or acknowledged.</summary>
    public SenderReport Run(SenderOrder order)
    {
        if (order.Carrier == Carrier.Channel)
        {
            return OverChannel(order);
        }

        var values = Values(order.Tokens * ChannelBench.Width);
        var buffers = Enumerable.Range(0, Credits + 1).Select(_ => values.ToArray()).ToList();
        var costs = new Costs();
        Stream stream = RawCopy.Connect(order.Port);
        using var secured = order.Tls ? identity.AsClient(stream, "127.0.0.1") : stream;
        new RawCopy(order.Carrier == Carrier.RawChecked).Send(secured, buffers, order.Frames);

        // The receiver closes when it has everything.
        secured.ReadByte();
        return costs.Report();
    }

    private SenderReport OverChannel(SenderOrder order)
    {
        var device = new DeviceId(order.Device);
        var header = Header(device, order.Tokens);
        Prefill(header);
        var costs = new Costs();
        using var credits = new SemaphoreSlim(Credits);
        using var all = new ManualResetEventSlim();
        string? broken = null;
        var route = new ChannelRoute(order.Tls ? identity : null, stream => stream);
        var answered = 0L;
        using var client = new ChannelClient(new ChannelEndpoint("127.0.0.1", order.Port, order.Token), device, Life, ActivationCodec.Fp32, route, news =>
        {
            switch (news)
            {
                case ChannelNews.Received received:
                    credits.Release((int)(received.Units - answered));
                    answered = received.Units;
                    break;
                case ChannelNews.Broken why:
                    broken = why.Reason;
                    credits.Release();
                    break;
            }

            if (answered == order.Frames || broken is not null)
            {
                all.Set();
            }
        });
        for (var sent = 0; sent < order.Frames && broken is null; sent++)
        {
            credits.Wait();
            client.Send(new ActivationUnit(header with { Unit = sent }));
        }

        all.Wait();
        return broken is null ? costs.Report() : throw new IOException($"the channel broke: {broken}");
    }

    private static UnitHeader Header(DeviceId device, int tokens)
    {
        var samples = tokens / SampleTokens;
        return new UnitHeader(
            device, Life, Allocation, Grant, 0, Depth, ChannelBench.Width,
            [.. Enumerable.Range(0, samples)], [.. Enumerable.Repeat(SampleTokens, samples)], new int[samples]);
    }

    /// <summary>Fills as many pooled buffers as are ever out: a device would compute into them, which is not measured here.</summary>
    private static void Prefill(UnitHeader header)
    {
        var values = Values(header.Tokens * header.Width);
        var units = Enumerable.Range(0, Credits + 1).Select(_ => new ActivationUnit(header)).ToList();
        foreach (var unit in units)
        {
            values.CopyTo(unit.Values.Span);
        }

        units.ForEach(unit => unit.Dispose());
    }

    private static float[] Values(int count)
    {
        var random = new Random(1);
        var values = new float[count];
        foreach (ref var value in values.AsSpan())
        {
            value = (random.NextSingle() * 2) - 1;
        }

        return values;
    }
}
