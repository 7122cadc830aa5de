using System.Net;
using System.Net.Sockets;

using SplitFrozen.Actors.Channel;
using SplitFrozen.Actors.Security;
using SplitFrozen.Protocol;

namespace SplitFrozen.Cli.Benchmarks.Channel;

/// <summary>The receiving end of one measurement.</summary>
internal abstract class Receiver : IDisposable
{
    private const long MemoryLimit = 1L << 30;

    /// <summary>Where senders connect.</summary>
    public abstract int Port { get; }

    /// <summary>The token of a sender.</summary>
    public abstract string Admit(string sender);

    /// <inheritdoc/>
    public abstract void Dispose();

    /// <summary>Room for units, for all measurements: a server's buffers outlive its connections.</summary>
    public static ServerMemory NewMemory() => new(MemoryLimit, ServerMemory.SampleBytes(Sender.SampleTokens, ChannelBench.Width));

    /// <summary>Listens for a carrier.</summary>
    public static Receiver For(Carrier carrier, TlsIdentity? identity, int senders, int tokens, int frames, ServerMemory memory, Meter meter) =>
        carrier == Carrier.Channel
            ? new ChannelReceiver(identity, senders * frames * (tokens / Sender.SampleTokens), memory, meter)
            : new RawReceiver(new RawCopy[senders].Select(_ => new RawCopy(carrier == Carrier.RawChecked)).ToList(), identity, tokens, frames, meter);

    private sealed class ChannelReceiver : Receiver
    {
        private const int MostFrameBytes = 64 << 20;

        private readonly ChannelListener _listener;

        public ChannelReceiver(TlsIdentity? identity, int samples, ServerMemory memory, Meter meter)
        {
            var rules = new ChannelRules(
                ChannelBench.Width, Sender.Depth, Sender.SampleTokens, MostFrameBytes, TaskKind.Classification, 2, ActivationCodec.Fp32, Sender.Credits);
            memory.Open(Sender.Grant, samples);
            _listener = new ChannelListener(
                new ListenerOptions("127.0.0.1", 0, identity), rules, memory, unit => Take(unit, meter),
                refusal => throw new InvalidOperationException($"the channel refused a frame of the benchmark: {refusal}"));
        }

        public override int Port => _listener.Port;

        public override string Admit(string sender)
        {
            var device = new DeviceId(sender);
            var token = _listener.Admit(device, Sender.Life);
            _listener.Allow(device, Sender.Allocation, Sender.Depth);
            return token;
        }

        public override void Dispose() => _listener.Dispose();

        private void Take(ActivationUnit unit, Meter meter)
        {
            var header = unit.Header;
            unit.Placed(header.Samples.Length);
            unit.Dispose();
            _listener.Return(header.Device, header.Incarnation, header.Unit + 1);
            meter.Frame(header.Device.Value);
        }
    }

    private sealed class RawReceiver : Receiver
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly List<Thread> _threads;

        public RawReceiver(List<RawCopy> copies, TlsIdentity? identity, int tokens, int frames, Meter meter)
        {
            _listener.Start();
            _threads = copies.Select((copy, sender) => new Thread(() =>
            {
                using var socket = _listener.AcceptSocket();
                socket.NoDelay = true;
                Stream plain = new NetworkStream(socket, ownsSocket: false);
                using var stream = identity?.AsServer(plain, NodeCertificate.Device) ?? plain;
                copy.Receive(stream, new float[tokens * ChannelBench.Width], frames, () => meter.Frame($"{sender}"));
            })
            { IsBackground = true }).ToList();
            _threads.ForEach(t => t.Start());
        }

        public override int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

        public override string Admit(string sender) => "";

        public override void Dispose()
        {
            _threads.ForEach(t => t.Join());
            _listener.Stop();
        }
    }
}
