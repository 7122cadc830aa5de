using System.Diagnostics;

using Akka.Actor;

using SplitFrozen.Actors.Channel;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Costs;
using SplitFrozen.Domain.Models;
using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Devices;

/// <summary>
/// Owns a device node's frozen blocks and runs forward units on them, one at a time, on a thread of its own; the devices of a node share it, as
/// they share its capacity. With an emulated profile the answer to a unit comes when the emulated device would have it.
/// </summary>
internal sealed class FrozenComputeActor : ReceiveActor, IWithTimers, IWithStash
{
    private const int ProbeSamples = 8;
    private const int ProbeLength = 32;
    private const int ProbeRuns = 5;
    private const int EmulatedProbeRuns = 25;

    private readonly IModelSource _model;
    private readonly double? _flopsPerSecond;
    private readonly long? _memoryBytes;
    private readonly Dictionary<DeviceId, int> _layers = [];
    private IFrozenBlocks? _frozen;
    private Capacity? _capacity;

    /// <summary>When the emulated device is done with what it was given, as a timestamp.</summary>
    private long _busyUntil;

    /// <summary>By how many ticks the last answer was given too late.</summary>
    private long _late;

    public FrozenComputeActor(IModelSource model, NodeProfile profile)
    {
        (_model, _flopsPerSecond, _memoryBytes) = (model, profile.GigaFlops * 1e9, profile.MemoryBytes);
        Ready();
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public IStash Stash { get; set; } = null!;

    protected override void PreStart() => _frozen = _model.LoadFrozen(1);

    protected override void PostStop() => _frozen?.Dispose();

    private void Ready()
    {
        Receive<Measure>(_ => Sender.Tell(new Measured(_capacity ??= Probe())));
        Receive<Hold>(Load);
        Receive<Drop>(m => _layers.Remove(m.Device));
        Receive<Run>(Forward);
    }

    private void Waiting()
    {
        Receive<Deliver>(m =>
        {
            _late = Math.Max(0, Stopwatch.GetTimestamp() - _busyUntil);
            m.To.Tell(m.Answer);
            Become(Ready);
            Stash.UnstashAll();
        });
        ReceiveAny(_ => Stash.Stash());
    }

    private void Load(Hold order)
    {
        _layers[order.Device] = order.Layers;
        _frozen!.Resize(_layers.Values.Max());
        Sender.Tell(new Held(order.Allocation, order.Layers));
    }

    private void Forward(Run order)
    {
        var header = order.Unit.Header;
        var began = Stopwatch.GetTimestamp();
        _frozen!.Embed(order.Tokens, header.Lengths, header.Depth, order.Unit.Values.Span);
        var real = Stopwatch.GetElapsedTime(began);
        var flops = header.Depth * LayerCosts.BlockForward(_model.Shape, header.Lengths);
        if (_flopsPerSecond is not { } rate)
        {
            Sender.Tell(new Ran(order.Unit, flops, real.TotalSeconds, false));
            return;
        }

        var emulated = TimeSpan.FromSeconds(flops / rate);
        var answer = new Ran(order.Unit, flops, Math.Max(real.TotalSeconds, emulated.TotalSeconds), real > emulated);

        // Counted from when the device was free or the order came, not from now. The order came late if the answer before it did, as timers fire up to a tick of
        // the scheduler (10 ms) late: that must not slow the device down.
        _busyUntil = Math.Max(_busyUntil, order.Asked - _late) + (long)(emulated.TotalSeconds * Stopwatch.Frequency);
        var left = TimeSpan.FromSeconds((double)(_busyUntil - Stopwatch.GetTimestamp()) / Stopwatch.Frequency);
        if (left <= TimeSpan.Zero)
        {
            _late = 0;
            Sender.Tell(answer);
            return;
        }

        Become(Waiting);
        Timers.StartSingleTimer(nameof(Deliver), new Deliver(Sender, answer), left);
    }

    /// <summary>
    /// Runs a fixed batch through one block, some times, and takes the best. Under emulation the profile bounds what is measured: it is tried
    /// oftener, until that bound is met, so that what else the machine does in this moment does not make a strong device weak.
    /// </summary>
    private Capacity Probe()
    {
        var length = Math.Min(ProbeLength, _model.Shape.Context);
        var lengths = Enumerable.Repeat(length, ProbeSamples).ToArray();
        var tokens = new int[ProbeSamples * length];
        var output = new float[tokens.Length * _model.Shape.Width];
        var bound = _flopsPerSecond is { } rate ? LayerCosts.BlockForward(_model.Shape, lengths) / rate : 0;
        var best = double.PositiveInfinity;
        for (var run = 0; run < (bound > 0 ? EmulatedProbeRuns : ProbeRuns) && best > bound; run++)
        {
            var began = Stopwatch.GetTimestamp();
            _frozen!.Embed(tokens, lengths, 1, output);
            best = Math.Min(best, Stopwatch.GetElapsedTime(began).TotalSeconds);
        }

        return new Capacity(tokens.Length / Math.Max(best, bound), _memoryBytes ?? GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);
    }

    /// <summary>Measure the node's capacity, if that was not done yet.</summary>
    internal sealed record Measure : ILocalMessage
    {
        public static Measure Instance { get; } = new();
    }

    /// <summary>The node's capacity.</summary>
    internal sealed record Measured(Capacity Capacity) : ILocalMessage;

    /// <summary>Hold blocks [0, Layers) for this device.</summary>
    internal sealed record Hold(DeviceId Device, AllocationEpoch Allocation, int Layers) : ILocalMessage;

    /// <summary>The blocks are held.</summary>
    internal sealed record Held(AllocationEpoch Allocation, int Layers) : ILocalMessage;

    /// <summary>The device is gone and needs no blocks.</summary>
    internal sealed record Drop(DeviceId Device) : ILocalMessage;

    /// <summary>Run a unit's tokens to the depth its header names, into its buffer.</summary>
    /// <param name="Unit">The unit.</param>
    /// <param name="Tokens">Token ids [T].</param>
    /// <param name="Asked">Timestamp of the order.</param>
    internal sealed record Run(ActivationUnit Unit, int[] Tokens, long Asked) : ILocalMessage;

    /// <summary>A unit was run.</summary>
    /// <param name="Unit">The unit with its activations.</param>
    /// <param name="Flops">Operations by the cost model.</param>
    /// <param name="Seconds">Time it took, emulated or real.</param>
    /// <param name="Overran">Whether the real time exceeded the emulated one.</param>
    internal sealed record Ran(ActivationUnit Unit, double Flops, double Seconds, bool Overran) : ILocalMessage;

    private sealed record Deliver(IActorRef To, Ran Answer) : ILocalMessage;
}
