using System.Collections.Concurrent;

using Akka.Actor;

using SplitFrozen.Actors.Channel;
using SplitFrozen.Protocol.Messages;

namespace SplitFrozen.Actors.Training;

/// <summary>The links of one server node in one layout, and the way from each stage to its neighbours. Made and opened by the host's actor; stages send on threads of their own.</summary>
internal sealed class StageLinks : IDisposable
{
    /// <summary>Place of the main server node.</summary>
    public const int Main = 0;

    private readonly ServerCommands.Arrange _order;
    private readonly int _width;
    private readonly int _maxFrameBytes;
    private readonly IActorRef _host;
    private readonly Dictionary<int, IActorRef> _stages;
    private readonly ConcurrentDictionary<int, StageLink> _links = new();

    /// <param name="order">The layout.</param>
    /// <param name="width">Hidden size D.</param>
    /// <param name="maxFrameBytes">Largest frame.</param>
    /// <param name="host">Told of states and of links that break.</param>
    /// <param name="stages">The stages that this node has loaded.</param>
    public StageLinks(ServerCommands.Arrange order, int width, int maxFrameBytes, IActorRef host, Dictionary<int, IActorRef> stages) =>
        (_order, _width, _maxFrameBytes, _host, _stages) = (order, width, maxFrameBytes, host, stages);

    /// <summary>Number of the layout.</summary>
    public int Layout => _order.Layout;

    /// <summary>Whether all links are open.</summary>
    public bool AreOpen => _links.Count == _order.Links.Length;

    /// <summary>The stages that this node holds.</summary>
    public IEnumerable<(int Stage, IActorRef Actor)> OwnStages =>
        Enumerable.Range(0, _order.NodeOfStage.Length).Where(s => _order.NodeOfStage[s] == _order.Self).Select(s => (s, _stages[s]));

    /// <summary>Adds a link that was opened.</summary>
    public void Add(int peer, StageConnection connection)
    {
        var states = new StateAssembly();
        _links[peer] = new StageLink(
            connection, _width, _maxFrameBytes, frame => Arrived(frame, states), reason => _host.Tell(new StageHostActor.LinkFailed(Layout, peer, reason)),
            written: _order.Trace ? (began, ended) => _host.Tell(new StageHostActor.FrameWritten(Layout, peer, began, ended)) : null);
    }

    /// <summary>What takes rows for a stage, or null where there is none.</summary>
    public Action<StageRows>? Port(int stage)
    {
        if (stage < 0 || stage >= _order.NodeOfStage.Length)
        {
            return null;
        }

        var node = _order.NodeOfStage[stage];
        if (node == _order.Self)
        {
            var actor = _stages[stage];
            return rows => actor.Tell(rows);
        }

        var link = _links[node];
        return rows => link.Send(new StageFrame.RowsFor(stage, rows));
    }

    /// <summary>Sends a stage's state to a node.</summary>
    public void SendState(int node, int stage, int steps, StageState state)
    {
        if (_links.TryGetValue(node, out var link))
        {
            foreach (var frame in StateAssembly.Frames(stage, steps, state))
            {
                link.Send(frame);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var link in _links.Values)
        {
            link.Dispose();
        }
    }

    /// <summary>On the link's thread. What is meant for a stage that is not here is dropped: the coordinator sees that it does not go on.</summary>
    private void Arrived(StageFrame frame, StateAssembly states)
    {
        if (frame is StageFrame.Tensor tensor && states.Add(tensor) is { } state)
        {
            _host.Tell(new StageHostActor.StateCompleted(tensor.Stage, tensor.Steps, state));
        }
        else if (frame is StageFrame.RowsFor rows)
        {
            if (_stages.TryGetValue(rows.Stage, out var stage))
            {
                stage.Tell(rows.Rows);
            }
            else
            {
                rows.Rows.Return();
            }
        }
    }
}
