using Akka.Actor;

using SplitFrozen.Domain.Allocation;
using SplitFrozen.Protocol;
using SplitFrozen.Protocol.Messages;

namespace SplitFrozen.Actors.Allocation;

/// <summary>
/// Turns the capacity that devices report into layer counts, with reasons, by the policy of the configuration and its guard against needless change: when it is
/// first asked, when a device comes, and from then on in rounds. Answers at once: it never computes.
/// </summary>
internal sealed partial class AllocatorActor : ReceiveActor, IWithTimers
{
    private readonly AllocationSetting _setting;
    private readonly SortedDictionary<DeviceId, Known> _devices = [];
    private readonly Dictionary<DeviceId, int> _overrides = [];
    private readonly Dictionary<DeviceId, (string Node, HeldLayers Layers)> _absent = [];
    private readonly IAllocationPolicy _policy;
    private StabiliserState _state = StabiliserState.Empty;
    private IReadOnlyList<PostponedChange> _postponed = [];
    private IReadOnlyList<LayerAssignment> _assignments = [];
    private ServerWork? _server;
    private IActorRef _listener = ActorRefs.Nobody;
    private AllocationEpoch _epoch;

    public AllocatorActor(AllocationSetting setting)
    {
        _setting = setting;
        _policy = new OverriddenPolicy(setting.Policy, _overrides);
        Receive<Report>(Admit);
        Receive<Forget>(m => Leave(m.Device));
        Receive<DeviceEvents.Heartbeat>(Refresh);
        Receive<ServerWork>(m => _server = m);
        Receive<Allocate>(_ =>
        {
            _listener = Sender;
            Round(isAsked: true);
            if (_setting.Settings.Interval is { } interval && !Timers.IsTimerActive(nameof(Tick)))
            {
                Timers.StartPeriodicTimer(nameof(Tick), Tick.Instance, interval);
            }
        });
        Receive<Tick>(_ => Round(isAsked: false));
        Receive<SetLayers>(m => Sender.Tell(Set(m)));
        Receive<Pause>(m => Sender.Tell(Suspend(m.IsPaused)));
        Receive<ReadState>(_ => Sender.Tell(State()));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private static double Now => Context.System.Scheduler.MonotonicClock.TotalSeconds;

    private void Admit(Report report)
    {
        var (id, node) = (report.Capacity.Device, report.Capacity.Node);
        _devices[id] = new Known(node, report.Capacity.Capacity, report.Samples, default);
        if (_absent.Remove(id, out var before) && before.Node == node && !_state.Devices.ContainsKey(id))
        {
            // It comes back as it was; on another node it is judged anew.
            _state = _state with { Devices = _state.Devices.Add(id, before.Layers) };
        }
    }

    private void Leave(DeviceId id)
    {
        if (_devices.Remove(id, out var device) && _state.Devices.TryGetValue(id, out var held))
        {
            _absent[id] = (device.Node, held);
            _state = _state with { Devices = _state.Devices.Remove(id) };
        }
    }

    private void Refresh(DeviceEvents.Heartbeat beat)
    {
        if (_devices.TryGetValue(beat.Device, out var known))
        {
            _devices[beat.Device] = known with { Capacity = beat.Capacity, Confirmed = beat.Allocation };
        }
    }

    private void Round(bool isAsked)
    {
        var round = Stabiliser.Next(_policy, _setting.Settings, _state, Input(), Now);
        (_state, _postponed, _assignments) = (round.State, round.Postponed, round.Assignments);
        if (isAsked || round.Changes.Count > 0)
        {
            Publish(round.Changes.Select(c => c.Device));
        }
    }

    /// <summary>Begins an allocation epoch.</summary>
    /// <param name="changed">Devices whose layers are others than before.</param>
    private void Publish(IEnumerable<DeviceId> changed)
    {
        _epoch = new AllocationEpoch(_epoch.Value + 1);
        foreach (var device in changed.Where(_devices.ContainsKey))
        {
            _devices[device] = _devices[device] with { Since = _epoch };
        }

        _listener.Tell(new Allocated(_epoch, _assignments));
    }

    private AllocationInput Input()
    {
        var sizes = _server is { TokensPerSample: > 0 and var tokens } ? _setting.Sizes with { TokensPerSample = tokens } : _setting.Sizes;
        var held = _devices.GroupBy(d => d.Value.Node, StringComparer.Ordinal).ToDictionary(n => n.Key, n => n.Max(d => Loaded(d.Key, d.Value)), StringComparer.Ordinal);
        return new AllocationInput(
            _setting.Cut, Math.Min(_setting.Settings.Min, _setting.Cut), sizes,
            new ServerMeasure(_server?.LayerTokensPerSecond, _server?.TrainingSecondsPerToken ?? 0, SharesCompute: false),
            [.. _devices.Select(d => Measure(d.Key, d.Value, held[d.Value.Node]))]);
    }

    /// <summary>A device's blocks are its node's: those that the node holds for another device take no more memory.</summary>
    private DeviceMeasure Measure(DeviceId id, Known device, int heldByNode)
    {
        var previous = _state.Devices.TryGetValue(id, out var layers) ? layers.Layers : (int?)null;
        var capacity = device.Capacity;
        return new DeviceMeasure(
            id, device.Node, capacity.LayerTokensPerSecond, capacity.LinkBytesPerSecond > 0 ? capacity.LinkBytesPerSecond : null,
            Math.Max(0, capacity.FreeMemoryBytes + ((heldByNode - (previous ?? 0)) * _setting.Sizes.BlockBytes)), capacity.QueueLength, previous, device.Samples);
    }

    /// <summary>Blocks that were in memory when the device reported what is free: a node holds one from its start, and those of an allocation when that was confirmed.</summary>
    private int Loaded(DeviceId id, Known device) =>
        device.Confirmed.Value > 0 && device.Confirmed.Value >= device.Since.Value && _state.Devices.TryGetValue(id, out var held) ? held.Layers : 1;

    /// <param name="Node">Its node.</param>
    /// <param name="Capacity">What it reported last.</param>
    /// <param name="Samples">Its samples.</param>
    /// <param name="Confirmed">The allocation with which it ran then.</param>
    private sealed record Known(string Node, Capacity Capacity, long Samples, AllocationEpoch Confirmed)
    {
        /// <summary>The allocation in which its layers changed last.</summary>
        public AllocationEpoch Since { get; init; }
    }

    /// <summary>A device is there, with this capacity and so many samples.</summary>
    internal sealed record Report(DeviceCapacity Capacity, long Samples) : ILocalMessage;

    /// <summary>A device is gone.</summary>
    internal sealed record Forget(DeviceId Device) : ILocalMessage;

    /// <summary>What the server has measured of itself.</summary>
    /// <param name="LayerTokensPerSecond">Tokens a second through one frozen block, or null where it completed none.</param>
    /// <param name="TrainingSecondsPerToken">Seconds that F, B, W and the steps took for a token.</param>
    /// <param name="TokensPerSample">Mean tokens of the samples that came.</param>
    internal sealed record ServerWork(double? LayerTokensPerSecond, double TrainingSecondsPerToken, double TokensPerSample) : ILocalMessage;

    /// <summary>Draw up an allocation for all devices that are there, and from now on tell the sender of changes.</summary>
    internal sealed record Allocate : ILocalMessage
    {
        public static Allocate Instance { get; } = new();
    }

    /// <summary>The allocation drawn up.</summary>
    internal sealed record Allocated(AllocationEpoch Epoch, IReadOnlyList<LayerAssignment> Assignments) : ILocalMessage;

    private sealed record Tick : ILocalMessage
    {
        public static Tick Instance { get; } = new();
    }
}
