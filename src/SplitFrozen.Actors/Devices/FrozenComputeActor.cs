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
/// they share its capacity, which every unit measures anew. Blocks that a new allocation asks for are read in the background while units go on with those
/// that are there. With an emulated profile the answer to a unit comes when the emulated device would have it.
/// </summary>
internal sealed class FrozenComputeActor : ReceiveActor, IWithTimers, IWithStash
{
    private const int ProbeSamples = 8;
    private const int ProbeLength = 32;
    private const int ProbeRuns = 5;
    private const int EmulatedProbeRuns = 25;

    private readonly IModelSource _model;
    private readonly NodeProfile _profile;
    private readonly NodeGauge _gauge;
    private readonly double _flopsPerLayerToken;
    /// <summary>Allocations with which a device's next units may come.</summary>
    private readonly Dictionary<DeviceId, List<Held>> _layers = [];
    private readonly Dictionary<DeviceId, (Hold Order, IActorRef From)> _waiting = [];
    private IFrozenBlocks? _frozen;
    private Task<IDisposable>? _reading;
    private bool _isMeasured;

    /// <summary>Timestamp of the first unit, from which the profile's changes are counted.</summary>
    private long? _firstUnit;

    /// <summary>When the emulated device is done with what it was given, as a timestamp.</summary>
    private long _busyUntil;

    /// <summary>By how many ticks the last answer was given too late.</summary>
    private long _late;

    public FrozenComputeActor(IModelSource model, NodeProfile profile, NodeGauge gauge)
    {
        (_model, _profile, _gauge) = (model, profile, gauge);
        _flopsPerLayerToken = LayerCosts.BlockForwardPerToken(model.Shape, Math.Min(ProbeLength, model.Shape.Context));
        Ready();
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public IStash Stash { get; set; } = null!;

    protected override void PreStart()
    {
        _frozen = _model.LoadFrozen(1);
        _gauge.Holds(1);
    }

    protected override void PostStop()
    {
        // What is still being read is not put in place any more.
        _reading?.ContinueWith(read => read.Result.Dispose(), CancellationToken.None, TaskContinuationOptions.OnlyOnRanToCompletion, TaskScheduler.Default);
        _frozen?.Dispose();
    }

    private void Ready()
    {
        Receive<Measure>(_ =>
        {
            if (!_isMeasured)
            {
                Probe();
                _isMeasured = true;
            }

            Sender.Tell(Measured.Instance);
        });
        Receive<Hold>(m =>
        {
            _waiting[m.Device] = (m, Sender);
            Settle();
        });
        Receive<BlocksRead>(m =>
        {
            _reading = null;
            _frozen!.Append(m.Blocks);
            Settle();
        });
        Receive<ReadFailed>(m => throw new InvalidOperationException($"Frozen blocks could not be read: {m.Error.Message}", m.Error));
        Receive<Use>(m =>
        {
            // Units of the allocations before it have all come.
            _layers[m.Device] = [.. _layers[m.Device].Where(held => held.Allocation.Value >= m.Allocation.Value)];
            Settle();
        });
        Receive<Drop>(m =>
        {
            _layers.Remove(m.Device);
            _waiting.Remove(m.Device);
            Settle();
        });
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

    /// <summary>Answers those whose blocks are there, drops what nobody needs any more, and has the rest read.</summary>
    private void Settle()
    {
        foreach (var (device, (order, from)) in _waiting.Where(w => w.Value.Order.Layers <= _frozen!.Blocks).ToList())
        {
            _waiting.Remove(device);
            var held = new Held(order.Allocation, order.Layers);
            _layers[device] = [.. _layers.GetValueOrDefault(device) ?? [], held];
            from.Tell(held);
        }

        if (_reading is not null)
        {
            return;
        }

        // A device that waits for more blocks goes on with those it had.
        var needed = _layers.Values.SelectMany(held => held).Select(held => held.Layers).DefaultIfEmpty(1).Max();
        if (_frozen!.Blocks > needed)
        {
            _frozen.Resize(needed);
        }

        if (_waiting.Count > 0)
        {
            var (from, to, frozen) = (_frozen.Blocks, _waiting.Values.Max(w => w.Order.Layers), _frozen);
            _reading = Task.Factory.StartNew(() => frozen.Read(from, to), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            _reading.PipeTo(Self, Self, blocks => new BlocksRead(blocks), error => new ReadFailed(error.GetBaseException()));
        }

        _gauge.Holds(_frozen.Blocks);
    }

    private void Forward(Run order)
    {
        var header = order.Unit.Header;
        var began = Stopwatch.GetTimestamp();
        _firstUnit ??= began;
        _frozen!.Embed(order.Tokens, header.Lengths, header.Depth, order.Unit.Values.Span);
        var real = Stopwatch.GetElapsedTime(began);
        var flops = header.Depth * LayerCosts.BlockForward(_model.Shape, header.Lengths);
        if (_profile.GigaFlopsAfter(Stopwatch.GetElapsedTime(_firstUnit.Value, began)) is not { } rate)
        {
            _gauge.Computed(flops / _flopsPerLayerToken, real.TotalSeconds);
            Sender.Tell(new Ran(order.Unit, flops, real.TotalSeconds, false));
            return;
        }

        // What an emulated device can do is its profile's: an overrun is the machine's doing, and is counted as such.
        var emulated = TimeSpan.FromSeconds(flops / (rate * 1e9));
        _gauge.Computed(flops / _flopsPerLayerToken, emulated.TotalSeconds);
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
    private void Probe()
    {
        var length = Math.Min(ProbeLength, _model.Shape.Context);
        var lengths = Enumerable.Repeat(length, ProbeSamples).ToArray();
        var tokens = new int[ProbeSamples * length];
        var output = new float[tokens.Length * _model.Shape.Width];
        var bound = _profile.GigaFlopsAfter(TimeSpan.Zero) is { } rate ? LayerCosts.BlockForward(_model.Shape, lengths) / (rate * 1e9) : 0;
        var best = double.PositiveInfinity;
        for (var run = 0; run < (bound > 0 ? EmulatedProbeRuns : ProbeRuns) && best > bound; run++)
        {
            var began = Stopwatch.GetTimestamp();
            _frozen!.Embed(tokens, lengths, 1, output);
            best = Math.Min(best, Stopwatch.GetElapsedTime(began).TotalSeconds);
        }

        _gauge.Computed(tokens.Length, Math.Max(best, bound));
    }

    /// <summary>Measure the node's capacity, if that was not done yet.</summary>
    internal sealed record Measure : ILocalMessage
    {
        public static Measure Instance { get; } = new();
    }

    /// <summary>The node's capacity is known.</summary>
    internal sealed record Measured : ILocalMessage
    {
        public static Measured Instance { get; } = new();
    }

    /// <summary>Hold blocks [0, Layers) for this device; an order for it that is not answered yet is void.</summary>
    internal sealed record Hold(DeviceId Device, AllocationEpoch Allocation, int Layers) : ILocalMessage;

    /// <summary>The blocks are held.</summary>
    internal sealed record Held(AllocationEpoch Allocation, int Layers) : ILocalMessage;

    /// <summary>All further units of the device have the depth of this allocation or of a later one.</summary>
    internal sealed record Use(DeviceId Device, AllocationEpoch Allocation) : ILocalMessage;

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

    private sealed record BlocksRead(IDisposable Blocks) : ILocalMessage;

    private sealed record ReadFailed(Exception Error) : ILocalMessage;
}
