using Akka.Actor;
using Akka.Cluster;

using SplitFrozen.Actors.Allocation;
using SplitFrozen.Actors.Coordination;
using SplitFrozen.Actors.Devices;
using SplitFrozen.Actors.Hosting;
using SplitFrozen.Domain.Allocation;
using SplitFrozen.Domain.Control;
using SplitFrozen.Protocol;
using SplitFrozen.Protocol.Messages;

namespace SplitFrozen.Actors.Control;

/// <summary>Answers operators' requests by asking the server's actors; called on the control endpoint's own threads, which may wait.</summary>
/// <param name="system">The server's node.</param>
/// <param name="coordinator">The coordinator.</param>
/// <param name="allocator">The allocator.</param>
internal sealed class ControlHandler(ActorSystem system, IActorRef coordinator, IActorRef allocator)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Answers a request.</summary>
    public ControlReply Answer(ControlRequest request)
    {
        try
        {
            return request.Command switch
            {
                "status" => ControlListener.Done(Status()),
                "explain" => Explain(),
                "set" => Set(request),
                "pause" => ControlListener.Done(Ask<AllocatorActor.PauseDone>(allocator, new AllocatorActor.Pause(true))),
                "resume" => ControlListener.Done(Ask<AllocatorActor.PauseDone>(allocator, new AllocatorActor.Pause(false))),
                "drain" => Drain(request.Target ?? ""),
                _ => new ControlReply($"The server does not know the command {request.Command}; use the same release.", null),
            };
        }
        catch (AskTimeoutException)
        {
            return new ControlReply($"The server's actors did not answer within {Patience.TotalSeconds:0} s. It may be ending, or the machine is overloaded.", null);
        }
    }

    private ClusterStatus Status()
    {
        var status = Ask<ClusterStatus>(coordinator, PipelineCoordinatorActor.ReadStatus.Instance);
        var paused = Ask<object>(allocator, AllocatorActor.ReadState.Instance) is AllocationState { IsPaused: true };
        var cluster = Cluster.Get(system).State;
        return status with
        {
            Allocation = status.Allocation with { IsPaused = paused },
            Nodes =
            [
                .. cluster.Members.OrderBy(NodeName.Of, StringComparer.Ordinal).Select(m => new NodeStatus(
                    NodeName.Of(m), Role(m), $"{m.Address.Host}:{m.Address.Port}",
                    cluster.Unreachable.Contains(m) ? "unreachable" : m.Status.ToString().ToLowerInvariant(),
                    status.Devices.Count(d => d.Node == NodeName.Of(m) && d.State is not "lost"))),
            ],
        };
    }

    private ControlReply Explain()
    {
        if (Ask<object>(allocator, AllocatorActor.ReadState.Instance) is not AllocationState state)
        {
            return new ControlReply("No layers are dealt out yet: training has not started.", null);
        }

        var devices = Ask<ClusterStatus>(coordinator, PipelineCoordinatorActor.ReadStatus.Instance).Devices;
        return ControlListener.Done(AllocationReport.Of(
            state, devices.Where(d => d.Forwarded > 0).ToDictionary(d => d.Device, d => d.BusySeconds * (d.Samples ?? 0) / d.Forwarded)));
    }

    private ControlReply Set(ControlRequest request)
    {
        var device = new DeviceId(request.Target ?? "");
        if (!device.IsValid)
        {
            return new ControlReply($"\"{request.Target}\" is no device's id.", null);
        }

        return Ask<object>(allocator, new AllocatorActor.SetLayers(device, request.Layers, request.IsDryRun)) switch
        {
            AllocatorActor.SetDone done => ControlListener.Done(new SetReport(
                done.Device.Value, done.Before, done.Layers, done.IsDryRun, done.Decision.Devices.First(d => d.Device == device).PredictedSeconds,
                done.Decision.SlowestSeconds, done.Decision.Bottleneck)),
            AllocatorActor.Refused refused => new ControlReply(refused.Reason, null),
            var other => throw new InvalidOperationException($"The allocator answered with {other.GetType().Name}."),
        };
    }

    private ControlReply Drain(string node)
    {
        var members = Cluster.Get(system).State.Members;
        var found = members.FirstOrDefault(m => NodeName.Of(m) == node);
        if (found is null || !found.HasRole(DeviceNodeActor.Role))
        {
            var names = members.Where(m => m.HasRole(DeviceNodeActor.Role)).Select(NodeName.Of).Order(StringComparer.Ordinal).ToList();
            return new ControlReply(
                found is not null ? $"{node} is a server. Stop it with SIGTERM: it ends the run in order."
                : $"There is no device node {node}. {(names.Count > 0 ? $"There are {string.Join(", ", names)}." : "There is none at all.")}",
                null);
        }

        var devices = Ask<ClusterStatus>(coordinator, PipelineCoordinatorActor.ReadStatus.Instance).Devices.Where(d => d.Node == node && d.State is not "lost").ToList();
        system.ActorSelection(new RootActorPath(found.Address) / "user" / DeviceNodeActor.Name).Tell(new NodeCommands.Drain(node));
        return ControlListener.Done(new DrainReport(node, [.. devices.Select(d => d.Device)], [.. devices.Where(d => d.IsPinned).Select(d => d.Device)]));
    }

    private string Role(Member member) =>
        member.HasRole(DeviceNodeActor.Role) ? DeviceNodeActor.Role : member.HasRole(StageNode.Role) ? StageNode.Role
            : member.UniqueAddress == Cluster.Get(system).SelfUniqueAddress ? ServerNode.Role : ServerNode.StandbyName;

    private static T Ask<T>(IActorRef actor, object question) => actor.Ask<T>(question, Patience).GetAwaiter().GetResult();
}
