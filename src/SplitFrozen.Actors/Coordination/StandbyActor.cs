using Akka.Actor;

using SplitFrozen.Actors.Hosting;

namespace SplitFrozen.Actors.Coordination;

/// <summary>
/// The cluster's singleton on a standby node, in the place where nodes look for the supervisor: once this node is the server and has opened the run's folder it starts the
/// supervisor and passes on what comes. What comes before that is told again by those who tell it.
/// </summary>
internal sealed class StandbyActor : ReceiveActor
{
    private readonly StandbySeat _seat;
    private IActorRef _supervisor = ActorRefs.Nobody;

    public StandbyActor(StandbySeat seat)
    {
        _seat = seat;
        Receive<Begin>(m => _supervisor = Context.ActorOf(Props.Create(() => new ServerSupervisorActor(m.Run)), ServerNode.SingletonName));
        Receive<ServerSupervisorActor.Terminate>(_ => Context.Stop(Self));
        ReceiveAny(m => _supervisor.Forward(m));
    }

    /// <summary>The supervisor tells the run itself what ended it.</summary>
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Stop);

    protected override void PreStart()
    {
        _seat.Run.PipeTo(Self, Self, run => new Begin(run));
        _seat.IsOldest();
    }

    private sealed record Begin(ServerRun Run) : ILocalMessage;
}
