using Akka.Actor;

using SplitFrozen.Actors;
using SplitFrozen.Actors.Training;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Models;

namespace SplitFrozen.TestKit.Cluster;

/// <summary>Stands for the further server nodes: starts them, and starts one again that has crashed.</summary>
internal sealed class StageKeeper : ReceiveActor, IWithTimers
{
    private readonly Nodes _nodes;
    private readonly Dictionary<string, TimeSpan> _away = [];
    private bool _isOver;

    public StageKeeper(Nodes nodes)
    {
        _nodes = nodes;
        Receive<CrashNode>(m =>
        {
            _away[m.Node] = m.Away;
            Context.Child(m.Node).Tell(Kill.Instance);
        });
        Receive<Start>(m => StartNode(m.Node));
        Receive<Over>(_ => _isOver = true);
        Receive<Terminated>(m =>
        {
            if (!_isOver)
            {
                Timers.StartSingleTimer(m.ActorRef.Path.Name, new Start(m.ActorRef.Path.Name), _away.GetValueOrDefault(m.ActorRef.Path.Name));
            }
        });
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
        for (var node = 1; node < _nodes.Servers; node++)
        {
            StartNode($"server-{node}");
        }
    }

    private void StartNode(string name)
    {
        var self = Self;
        var options = new StageHostOptions(_nodes.Model(name), new NodeProfile(name, null), _nodes.Threads, _nodes.Server, _nodes.Door, Vault: null)
        {
            Ended = error =>
            {
                self.Tell(Over.Instance);
                if (error is not null)
                {
                    _nodes.Failed(error);
                }
            },
        };
        Context.Watch(Context.ActorOf(Props.Create(() => new StageHostActor(options)), name));
    }

    /// <summary>What the further server nodes are made of.</summary>
    /// <param name="Servers">Server nodes in all, the main one included.</param>
    /// <param name="Model">The model as a node has it.</param>
    /// <param name="Threads">Threads of matrix products.</param>
    /// <param name="Server">The supervisor.</param>
    /// <param name="Door">Where a node connects to others.</param>
    /// <param name="Failed">Told of what must not happen.</param>
    internal sealed record Nodes(int Servers, Func<string, IModelSource> Model, int Threads, IActorRef Server, DoorOptions Door, Action<Exception> Failed);

    /// <summary>End a server node without a word, and start it again after a time.</summary>
    internal sealed record CrashNode(string Node, TimeSpan Away) : ILocalMessage;

    private sealed record Start(string Node) : ILocalMessage;

    private sealed record Over : ILocalMessage
    {
        public static Over Instance { get; } = new();
    }
}
