using Akka.Actor;

using SplitFrozen.Actors.Channel;
using SplitFrozen.Actors.Coordination;
using SplitFrozen.Actors.Training;
using SplitFrozen.Domain.Models;
using SplitFrozen.Protocol;
using SplitFrozen.Protocol.Messages;

namespace SplitFrozen.Actors.Baselines;

/// <summary>One device that trains as the server sees it: its present life, what that was told and sent, and what of it is not answered.</summary>
/// <param name="entry">The device.</param>
internal sealed class BaselineSession(DeviceEntry entry)
{
    private readonly SortedDictionary<int, MethodCommands.IMethodCommand> _open = [];
    private DeviceGate? _gate;
    private StageLink? _link;
    private int _commands;
    private int _states;
    private int _residuals;

    /// <summary>The device.</summary>
    public DeviceEntry Entry => entry;

    /// <summary>Adapters as both ends have them in this life.</summary>
    public IReadOnlyList<TensorData> Known { get; set; } = [];

    /// <summary>Whether it did not return in time, and training goes on without it until it does.</summary>
    public bool IsGivenUp { get; set; }

    /// <summary>Whether this life has its link.</summary>
    public bool HasLink => _link is not null;

    /// <summary>Whether this life can be given work.</summary>
    public bool IsReady => entry is { IsPrepared: true, Ref: not null } && _link is not null;

    /// <summary>Whether this life has been sent anything: it then goes on with what it has.</summary>
    public bool HasBegun => _commands + _states > 0;

    /// <summary>Begins a life of the device.</summary>
    /// <param name="incarnation">The life.</param>
    /// <param name="actor">Who speaks for it.</param>
    /// <param name="node">Name of its node.</param>
    public void Begin(Incarnation incarnation, IActorRef actor, string node)
    {
        if (incarnation != entry.Incarnation)
        {
            _open.Clear();
            (_link, _gate, _commands, _states, _residuals, Known) = (null, null, 0, 0, 0, []);
        }

        entry.Begin(incarnation, actor, node);
    }

    /// <summary>The life's link is open.</summary>
    public void Open(StageLink link, DeviceGate gate) => (_link, _gate) = (link, gate);

    /// <summary>The life is over.</summary>
    public void Close()
    {
        _link?.Cut();
        (_link, entry.Ref) = (null, null);
    }

    /// <summary>Sends adapters, as far as the device does not have them.</summary>
    /// <param name="adapter">Adapters.</param>
    /// <param name="optimizer">The optimiser's state, or none.</param>
    public void SendState(IReadOnlyList<TensorData> adapter, IReadOnlyList<TensorData> optimizer)
    {
        _states++;
        Send(new Parcel(ParcelKind.State, _states, [], Parcel.Changed(adapter, Known), optimizer));
        Known = adapter;
    }

    /// <summary>Sends those of the residuals that this life does not have.</summary>
    public void SendResiduals(IReadOnlyList<IReadOnlyList<WeightedAdapter>> all)
    {
        for (; _residuals < all.Count; _residuals++)
        {
            foreach (var part in all[_residuals])
            {
                Send(new Parcel(ParcelKind.Residual, _residuals, [part.Weight], part.Tensors, []));
            }
        }
    }

    /// <summary>Sends the gradient of rows that came.</summary>
    public void SendGradient(StageRows gradient) => _link?.Send(new StageFrame.RowsFor(0, gradient));

    /// <summary>Gives a command.</summary>
    /// <param name="command">The command, given its place and the states that it builds on.</param>
    /// <returns>Its place.</returns>
    public int Tell(Func<int, int, MethodCommands.IMethodCommand> command)
    {
        var told = command(_commands++, _states);
        _open[told.Number] = told;
        entry.Ref!.Tell(told);
        return told.Number;
    }

    /// <summary>The device may answer with rows.</summary>
    public void AllowRows(int microBatches) => _gate!.AllowRows(microBatches);

    /// <summary>The device may answer with a state.</summary>
    public void AllowState(StageState template, int notes) => _gate!.AllowState(template, notes);

    /// <summary>A command was answered.</summary>
    public void Answered(int command) => _open.Remove(command);

    /// <summary>Tells again what was not answered: a message may have been lost.</summary>
    public void Remind()
    {
        foreach (var command in _open.Values)
        {
            entry.Ref?.Tell(command);
        }
    }

    private void Send(Parcel parcel)
    {
        foreach (var frame in parcel.Frames())
        {
            _link!.Send(frame);
        }
    }
}
