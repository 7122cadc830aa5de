using Akka.Actor;

using SplitFrozen.Actors.Hosting;
using SplitFrozen.Protocol;
using SplitFrozen.Protocol.Messages;

namespace SplitFrozen.Actors.Tests.Cluster;

/// <summary>A server node that says it holds its stages, computes nothing, and dies when it is told how it is to be connected.</summary>
internal sealed class GhostServerActor : ReceiveActor
{
    /// <param name="fingerprint">Of the run's model.</param>
    /// <param name="arranged">Told the coordinator, this actor and the layout, before it dies.</param>
    public GhostServerActor(string fingerprint, Action<IActorRef, IActorRef, int> arranged)
    {
        Receive<ServerCommands.Welcome>(_ => Sender.Tell(new ServerEvents.Measured(1e9)));
        Receive<StageCommands.Host>(host => Sender.Tell(new StageEvents.Loaded(host.Stage, host.Generation, 1)));
        Receive<ServerCommands.Arrange>(layout =>
        {
            arranged(Sender, Self, layout.Layout);
            Context.Stop(Self);
        });
        Context.ActorSelection($"{ServerNode.SingletonManagerPath}/{ServerNode.SingletonName}").Tell(
            new ServerEvents.Greeted("ghost", IsMain: false, ProtocolVersion.Current, fingerprint, Threads: 1, "127.0.0.1", 1, 0, 0) { Release = Release.Current });
    }
}
