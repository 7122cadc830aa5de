using System.Security.Cryptography;

using Akka.Actor;
using Akka.Event;

using SplitFrozen.Actors.Training;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Costs;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Domain.Scheduling;
using SplitFrozen.Protocol;
using SplitFrozen.Protocol.Messages;

namespace SplitFrozen.Actors.Coordination;

/// <summary>Server nodes that come and go, the stages placed on them, and the links between them.</summary>
internal sealed partial class PipelineCoordinatorActor
{
    /// <summary>Server nodes in the order in which they came.</summary>
    private readonly List<ServerEntry> _servers = [];
    private readonly HashSet<IActorRef> _connected = [];
    private BlockRange[] _ranges = [];

    /// <summary>The server node of each stage, or null while it is lost.</summary>
    private ServerEntry?[] _holders = [];
    private int _layout;

    private int ServersNeeded => _run.Settings.Start.Servers;

    private ServerEntry? MainServer => _servers.Find(s => s.Greeting.IsMain);

    private BlockRange TrainedBlocks => new(_run.Trainer.Cut, _run.Model.Shape.Layers);

    private long EmulatedStageOperations =>
        _run.Settings.Server.Nodes.Prepend(_run.Settings.Server.Profile).Any(p => p.GigaFlops is not null) ? _stages.Operations : 0;

    private void AlwaysServers()
    {
        Receive<ServerEvents.Greeted>(GreetServer);
        Receive<ServerEvents.Measured>(m => ServerReady(Sender, m.FlopsPerSecond));
        Receive<ServerEvents.Failed>(m => _run.Fail(new Domain.UserErrorException(m.Reason)));
        Receive<ServerEvents.Connected>(Connected);
        Receive<ServerEvents.LinkBroken>(LinkBroken);
        Receive<ServerEvents.Transferred>(Trace);
        Receive<StageHostActor.StateKept>(_ => _stages.StateKept());
        Receive<ServerGone>(m => LoseServer(m.Ref));
        Receive<ServersLimit>(_ => StageLost(NoServer()));
        Receive<StageEvents.Loaded>(m =>
        {
            _stages.On(m, Sender);
            ArrangeWhenLoaded();
        });
    }

    private void GreetServer(ServerEvents.Greeted greeting)
    {
        if (_servers.Exists(s => s.Ref.Equals(Sender)))
        {
            return;
        }

        if (ServerAdmission.Check(greeting, _run.Spec, ServersNeeded, _ending, _run.Settings.Cluster.Standby) is { } explanation)
        {
            _log.Warning("Refused server node {Node}: {Explanation}", greeting.Node, explanation);
            Notify(new RunEvent.ServerProblem(greeting.Node, $"refused: {explanation}"));
            Sender.Tell(new ServerCommands.Refuse(explanation));
            return;
        }

        _servers.Add(new ServerEntry(Sender, greeting));
        Context.WatchWith(Sender, new ServerGone(Sender));
        if (ServersNeeded == 1)
        {
            ServerReady(Sender, 1);
            return;
        }

        var probe = TrainedBlocks.From + (TrainedBlocks.Count > 2 ? 1 : 0);
        Sender.Tell(new ServerCommands.Welcome(
            SpecOf(new BlockRange(probe, probe + 1)), _run.Settings.Training.MicroBatchSize, Math.Min(_run.Spec.MaxLength, _run.Model.Shape.Context)));
    }

    /// <summary>A server node knows its rate: it gets stages, or stays in reserve.</summary>
    private void ServerReady(IActorRef server, double rate)
    {
        if (_servers.Find(s => s.Ref.Equals(server)) is not { } entry)
        {
            return;
        }

        entry.Rate = rate;
        if (ServersNeeded > 1)
        {
            Notify(new RunEvent.ServerJoined(entry.Name, rate));
        }

        if (_holders.Length > 0)
        {
            PlaceLost();
        }
        else if (MainServer?.Rate is not null && _servers.Count(s => s.Rate is not null) >= ServersNeeded)
        {
            PlaceAll();
        }
    }

    private void PlaceAll()
    {
        // By name, so that people decide who is whose neighbour: it matters where links are unequal.
        var ready = _servers.Where(s => s.Rate is not null).OrderByDescending(s => s.Greeting.IsMain).ThenBy(s => s.Name, StringComparer.Ordinal).ToList();
        IReadOnlyList<StagePlace> places = ready.Count == 1
            ? [.. TrainedBlocks.Cut(_stages.Count).Select(blocks => new StagePlace(0, blocks))]
            : StagePlace.Choose(_stages.Count, TrainedBlocks, Costs(), [.. ready.Select(s => s.Rate!.Value)]);
        (_ranges, _holders) = ([.. places.Select(p => p.Blocks)], [.. places.Select(p => ready[p.Server])]);
        for (var stage = 0; stage < _holders.Length; stage++)
        {
            HostStage(stage);
        }
    }

    private void HostStage(int stage)
    {
        var server = _holders[stage]!;
        if (ServersNeeded > 1)
        {
            Notify(new RunEvent.StagePlaced(stage, _ranges[stage].From, _ranges[stage].To, server.Name));
        }

        server.Ref.Tell(new StageCommands.Host(_stages.Generation, stage, SpecOf(_ranges[stage])));
    }

    private StageSpec SpecOf(BlockRange blocks)
    {
        var trainer = _run.Trainer;
        return new StageSpec(
            _run.Spec.ModelFingerprint, trainer.Task, trainer.Labels, trainer.Cut, blocks.From, blocks.To, trainer.Lora.Rank, trainer.Lora.Alpha,
            trainer.Lora.Dropout, [.. trainer.Lora.Targets], trainer.WeightDecay, trainer.ClipNorm, trainer.Seed, _run.Spec.Threads);
    }

    /// <summary>What F, B and W of a full micro-batch cost on each trained block, the head with the last one.</summary>
    private double[] Costs()
    {
        var lengths = Enumerable.Repeat(_run.Spec.MaxLength, _run.Settings.Training.MicroBatchSize).ToArray();
        var targets = _run.Trainer.Task == TaskKind.Classification ? lengths.Length : lengths.Sum();
        return [.. TrainedBlocks.Cut(TrainedBlocks.Count).Select(block => TrainingCosts.Stage(_run.Model.Shape, _run.Trainer with { Stage = block }, lengths, targets).Total)];
    }

    private void ArrangeWhenLoaded()
    {
        if (_stages.IsLoaded)
        {
            Arrange();
        }
    }

    /// <summary>Tells the server nodes who holds what, and how they are connected: each with the main one, and those of neighbouring stages.</summary>
    private void Arrange()
    {
        _layout++;
        _connected.Clear();
        var nodes = ServersInPlace();
        var holders = Array.ConvertAll(_holders, h => nodes.IndexOf(h!));
        var links = Enumerable.Range(1, nodes.Count - 1).Select(n => (Low: StageLinks.Main, High: n))
            .Concat(holders.Zip(holders.Skip(1), (a, b) => (Low: Math.Min(a, b), High: Math.Max(a, b)))).Where(l => l.Low != l.High).Distinct()
            .Select(l => (l.Low, l.High, Token: RandomNumberGenerator.GetHexString(32))).ToList();
        for (var self = 0; self < nodes.Count; self++)
        {
            var own = links.Where(l => l.Low == self || l.High == self)
                .Select(l => LinkTo(nodes[self], nodes[l.Low + l.High - self], l.Low + l.High - self, isDialled: self == l.High, l.Token));
            nodes[self].Ref.Tell(new ServerCommands.Arrange(_layout, self, holders, [.. own]) { Trace = _run.Trace is not null });
        }
    }

    /// <summary>The server nodes of the layout, in the order of their places.</summary>
    private List<ServerEntry> ServersInPlace() => [.. _holders.Prepend(MainServer).OfType<ServerEntry>().Distinct()];

    /// <summary>Takes over that a server node has written a frame to another; its clock is set to the server's as those of devices are.</summary>
    private void Trace(ServerEvents.Transferred transferred)
    {
        var nodes = ServersInPlace();
        if (_run.Trace is not { } trace || transferred.Layout != _layout || transferred.Peer < 0 || transferred.Peer >= nodes.Count || nodes.Find(n => n.Ref.Equals(Sender)) is not { } from)
        {
            return;
        }

        var late = DateTimeOffset.UtcNow - DateTimeOffset.UnixEpoch.AddMicroseconds(transferred.SentAt);
        from.ClockOffset = from.ClockOffset is { } known && known < late ? known : late;
        trace.Began(
            $"{from.Name} to {nodes[transferred.Peer].Name}: link", "transfer", DateTimeOffset.UnixEpoch.AddMicroseconds(transferred.Start) + from.ClockOffset.Value,
            transferred.Duration / 1e6);
    }

    /// <summary>A link is as slow as the slower of its two ends.</summary>
    private static ServerLink LinkTo(ServerEntry from, ServerEntry to, int peer, bool isDialled, string token)
    {
        double[] rates = [.. new[] { from.Greeting.Megabits, to.Greeting.Megabits }.Where(m => m > 0)];
        return new ServerLink(
            peer, isDialled, to.Greeting.Host, to.Greeting.Port, token, rates.Length > 0 ? rates.Min() : 0,
            Math.Max(from.Greeting.LatencySeconds, to.Greeting.LatencySeconds));
    }

    private void Connected(ServerEvents.Connected connected)
    {
        if (connected.Layout != _layout || !_connected.Add(Sender) || _connected.Count < _holders.Prepend(MainServer).Distinct().Count())
        {
            return;
        }

        Timers.Cancel(nameof(ServersLimit));
        var isStart = !_stages.HasBeenUp;
        _stages.Up();
        if (isStart && !_ending)
        {
            RestoreStages();
            BeginWhenReady();
        }
    }

    private void LinkBroken(ServerEvents.LinkBroken broken)
    {
        if (broken.Layout != _layout || _servers.Find(s => s.Ref.Equals(Sender)) is not { } server)
        {
            return;
        }

        var problem = $"a link to another server node does not work ({broken.Reason}); it is opened again, and the global batch at hand is trained again";
        _log.Warning("Server node {Node}: {Problem}", server.Name, problem);
        Notify(new RunEvent.ServerProblem(server.Name, problem));
        _stages.Suspend([]);
        AwaitServers();
        ArrangeWhenLoaded();
    }

    /// <summary>Brings a stage's state to the node that holds it, before the stage goes back to it.</summary>
    private void Restore(int stage, int steps, StageState state)
    {
        if (_holders[stage] is { Greeting.IsMain: false } holder)
        {
            var node = ServersInPlace().IndexOf(holder);
            MainServer!.Ref.Tell(new StageHostActor.SendState(node, stage, steps, state));
        }
    }

    private void LoseServer(IActorRef server)
    {
        if (_servers.Find(s => s.Ref.Equals(server)) is not { } entry)
        {
            return;
        }

        _servers.Remove(entry);
        var lost = Enumerable.Range(0, _holders.Length).Where(s => _holders[s] == entry).ToList();
        var held = lost.Count == 0 ? "it held no stage" : $"it held stage {string.Join(", ", lost)}; the global batch at hand is trained again when that is placed anew";
        _log.Warning("Server node {Node} was lost; {Held}", entry.Name, held);
        Notify(new RunEvent.ServerProblem(entry.Name, $"was lost or stopped; {held}"));
        if (lost.Count == 0)
        {
            return;
        }

        // Who was to be connected with it may still say so; that layout no longer counts.
        _layout++;
        lost.ForEach(stage => _holders[stage] = null);
        _stages.Suspend(lost);
        AwaitServers();
        PlaceLost();
    }

    private void AwaitServers()
    {
        if (!Timers.IsTimerActive(nameof(ServersLimit)))
        {
            Timers.StartSingleTimer(nameof(ServersLimit), ServersLimit.Instance, _run.Settings.Server.LostAfter);
        }
    }

    /// <summary>Places lost stages where there is room for them.</summary>
    private void PlaceLost()
    {
        var costs = Costs();
        double Cost(int stage) => costs[(_ranges[stage].From - TrainedBlocks.From)..(_ranges[stage].To - TrainedBlocks.From)].Sum();
        double Load(ServerEntry server) => Enumerable.Range(0, _holders.Length).Where(s => _holders[s] == server).Sum(Cost);

        foreach (var stage in Enumerable.Range(0, _holders.Length).Where(s => _holders[s] is null))
        {
            var candidates = _servers.Where(s => s.Rate is not null && (_run.Settings.Server.TakeOver == TakeOver.Any || !_holders.Contains(s))).ToList();
            if (candidates.Count == 0)
            {
                Notify(new RunEvent.Waiting($"a server node to take over stage {stage}, up to {_run.Settings.Server.LostAfter.TotalSeconds:0} s"));
                return;
            }

            _holders[stage] = candidates[StagePlace.Replace(Cost(stage), [.. candidates.Select(Load)], [.. candidates.Select(c => c.Rate!.Value)])];
            HostStage(stage);
        }
    }

    private string NoServer()
    {
        var lost = Enumerable.Range(0, _holders.Length).Where(s => _holders[s] is null).ToList();
        var what = lost.Count > 0 ? $"No server node took over stage {string.Join(", ", lost)}" : "The server nodes could not be connected again";
        return $"{what} within {_run.Settings.Server.LostAfter.TotalSeconds:0} s (splitfrozen.server.lost-after). Start the lost server node again (splitfrozen server --join), or set splitfrozen.server.take-over = any.";
    }

    private void FinishServers()
    {
        foreach (var server in _servers.Where(s => !s.Greeting.IsMain))
        {
            server.Ref.Tell(new ServerCommands.Finish());
        }
    }

    private sealed record ServerGone(IActorRef Ref) : ILocalMessage;

    private sealed record ServersLimit : ILocalMessage
    {
        public static ServersLimit Instance { get; } = new();
    }
}
