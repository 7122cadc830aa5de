using Akka.Actor;
using Akka.Event;

using SplitFrozen.Actors;
using SplitFrozen.Actors.Channel;
using SplitFrozen.Actors.Devices;
using SplitFrozen.Actors.Hosting;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Costs;
using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Models;
using SplitFrozen.Protocol;
using SplitFrozen.TestKit.Faults;

namespace SplitFrozen.TestKit.Cluster;

/// <summary>Stands for the device nodes: starts the devices, and starts one again that has crashed, as an operator or a service manager would.</summary>
internal sealed class DeviceKeeper : ReceiveActor, IWithTimers
{
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly Nodes _nodes;
    private readonly Dictionary<DeviceId, (IActorRef Compute, NodeGauge Gauge)> _computes = [];
    private readonly HashSet<DeviceId> _ended = [];
    private readonly Dictionary<DeviceId, TimeSpan> _away = [];

    public DeviceKeeper(Nodes nodes)
    {
        _nodes = nodes;
        Receive<DeviceNodeActor.DeviceWelcomed>(m => _log.Debug("{Device} was welcomed", m.Device));
        Receive<DeviceNodeActor.DeviceMoved>(m => _ended.Add(m.Device));
        Receive<DeviceNodeActor.DeviceEnded>(m =>
        {
            _ended.Add(m.Device);
            if (m.Error is not null)
            {
                _nodes.Failed(m.Error);
            }
        });
        Receive<CrashDevice>(m =>
        {
            _away[m.Device] = m.Away;
            Context.Child(m.Device.Value).Tell(Kill.Instance);
        });
        Receive<Start>(m => StartDevice(m.Device));
        Receive<Terminated>(m => Restart(new DeviceId(m.ActorRef.Path.Name)));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(error =>
    {
        if (error is not ActorKilledException)
        {
            _nodes.Failed(error);
        }

        return Directive.Stop;
    });

    protected override void PreStart()
    {
        for (var part = 0; part < _nodes.Devices; part++)
        {
            var id = SharedDevices.Id(part);
            var model = _nodes.Model(id);
            var gauge = new NodeGauge(_nodes.Smoothing, memoryBytes: null, MemoryCosts.BlockWeights(model.Shape, sizeof(float)));
            var compute = Context.ActorOf(
                Props.Create(() => new FrozenComputeActor(model, new NodeProfile(id.Value, null), gauge)).WithDispatcher(ActorConfig.ComputeDispatcher), $"compute-{part}");
            _computes[id] = (compute, gauge);
            StartDevice(id);
        }
    }

    private void Restart(DeviceId device)
    {
        if (!_ended.Contains(device))
        {
            Timers.StartSingleTimer(device, new Start(device), _away.GetValueOrDefault(device));
        }
    }

    private void StartDevice(DeviceId id)
    {
        var (compute, gauge) = _computes[id];
        var time = _nodes.Faults.TimeOf(id);
        var route = new ChannelRoute(null, stream => _nodes.Faults.Link(id, stream)) { Carrier = _nodes.Carrier, Time = time };
        var node = new DeviceNode($"node of {id}", IsPinned: true, _nodes.Model(id), _nodes.Data, _nodes.Server, compute, gauge, Self, route) { Time = time };
        Context.Watch(Context.ActorOf(Props.Create(() => new DeviceActor(id, node)), id.Value));
    }

    /// <summary>What the devices are made of.</summary>
    internal sealed record Nodes(
        int Devices, Func<DeviceId, IModelSource> Model, DeviceData Data, IActorRef Server, double Smoothing, FaultInjector Faults, Carrier Carrier,
        Action<Exception> Failed);

    /// <summary>End a device without a word, and start it again after a time.</summary>
    internal sealed record CrashDevice(DeviceId Device, TimeSpan Away) : ILocalMessage;

    private sealed record Start(DeviceId Device) : ILocalMessage;
}
