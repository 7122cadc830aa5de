using SplitFrozen.Domain.Allocation;
using SplitFrozen.Domain.Pipeline;
using SplitFrozen.Domain.Sampling;
using SplitFrozen.Protocol;

namespace SplitFrozen.Domain.Simulation;

/// <summary>
/// Simulates a run event by event: the sampling plan, grants within the window, the activation store, forward units, credits, frozen blocks on devices, links, catch-up, F, B and W in the order of
/// the schedule, optimiser steps, reallocation, crashes. It runs the code that a cluster runs (<see cref="RunPlan"/>, <see cref="GrantWindow"/>,
/// <see cref="ForwardUnits"/>, <see cref="Store.SegmentIndex"/>, <see cref="Ledger"/>, <see cref="Stabiliser"/>, the schedule and the cost model); only time is made up. A pure function of its input.
/// Memory is that of one epoch's plan, of the units within the window, and of the places of stored samples: some hundred bytes each, whatever their activations take.
/// </summary>
public sealed partial class FleetSimulator
{
    private readonly FleetSpec _spec;
    private readonly EventQueue _events = new();
    private readonly NodeState[] _nodes;
    private readonly DeviceState[] _devices;
    private readonly Dictionary<DeviceId, int> _indices;
    private readonly int[][] _devicesOfNode;
    private readonly RunPlan _plan;
    private readonly GrantWindow _window;
    private readonly Ledger _ledger = new();
    private readonly Dictionary<int, EpochBook> _books = [];
    private readonly SeededRandom _random;
    private readonly List<EpochReport> _epochs = [];
    private StabiliserState _allocation = StabiliserState.Empty;
    private long _unitsGranted;
    private long _unitsPlaced;
    private long _unitsRepeated;
    private long _missing;
    private int _layerChanges;
    private int _crashes;
    private int _rejoined;
    private bool _isOver;

    private FleetSimulator(FleetSpec spec)
    {
        _spec = spec;
        _nodes = [.. spec.Nodes.Select(n => new NodeState(n, spec.Allocation.Settings.Smoothing))];
        _devices = [.. spec.Devices.Select(_ => new DeviceState(spec.Credits))];
        _indices = spec.Devices.Select((d, i) => (d.Id, i)).ToDictionary(p => p.Id, p => p.i);
        var byNode = Enumerable.Range(0, _devices.Length).ToLookup(d => spec.Devices[d].Node);
        _devicesOfNode = [.. Enumerable.Range(0, spec.Nodes.Count).Select(n => byNode[n].ToArray())];
        _plan = new RunPlan(spec.Training, spec.Pipeline.GrantBatches, Roster);
        _plan.Drawn += (plan, roster) => _books[plan.Epoch] = new EpochBook(plan, Array.ConvertAll(roster, id => _indices[id]), Ready);
        _window = new GrantWindow(_plan.For, spec.Training.Epochs, spec.Pipeline.Window);
        _random = SeededRandom.For(spec.Training.Seed, "simulated crashes");
        _stages = [.. Enumerable.Range(0, spec.Server.Stages).Select(_ => new Lane())];
        _store = spec.Store is { } store && spec.Training.Epochs > 1 ? new StoreState(store) : null;
    }

    /// <summary>Simulates a run to its end.</summary>
    /// <exception cref="UserErrorException">No device has a sample, or all were lost.</exception>
    public static SimulationReport Run(FleetSpec spec)
    {
        var simulator = new FleetSimulator(spec);
        simulator.Start();
        while (!simulator._isOver)
        {
            if (!simulator._events.TryTake(out var pending))
            {
                throw new InvalidOperationException($"The simulation stands still at {simulator._events.Now} s: batch {simulator._batch} of epoch {simulator._epoch} waits for samples that nobody has.");
            }

            simulator.Handle(pending);
        }

        return simulator.Report();
    }

    private double Now => _events.Now;

    private void Start()
    {
        for (var node = 0; node < _nodes.Length; node++)
        {
            for (var change = 0; change < _spec.Nodes[node].Changes.Count; change++)
            {
                _events.Add(_spec.Nodes[node].Changes[change].Time, new PendingEvent(SimulatedEvent.RateChanges, node, change));
            }

            ScheduleRandomCrash(node);
        }

        for (var crash = 0; crash < _spec.Faults.Crashes.Count; crash++)
        {
            _events.Add(_spec.Faults.Crashes[crash].At, new PendingEvent(SimulatedEvent.NodeCrashes, crash, GivenCrash));
        }

        Allocate();
        BeginBatch();
        OpenGrants();
    }

    private void Handle(PendingEvent e)
    {
        switch (e.Kind)
        {
            case SimulatedEvent.GrantArrives:
                GrantArrives(e);
                break;
            case SimulatedEvent.UnitComputed:
                UnitComputed(e.Index, e.Unit!, e.Life);
                break;
            case SimulatedEvent.UnitSent:
                UnitSent(e.Index, e.Unit!, e.Life);
                break;
            case SimulatedEvent.UnitArrives:
                UnitArrives(e.Unit!, e.Life);
                break;
            case SimulatedEvent.UnitCaughtUp:
                UnitCaughtUp(e.Unit!);
                break;
            case SimulatedEvent.CreditArrives:
                CreditArrives(e.Index, e.Life);
                break;
            case SimulatedEvent.OperationDone:
                OperationDone(e.Index);
                break;
            case SimulatedEvent.Stepped:
                Stepped();
                break;
            case SimulatedEvent.RateChanges:
                var change = _spec.Nodes[e.Index].Changes[e.Life];
                (_nodes[e.Index].FlopsPerSecond, _nodes[e.Index].LinkBytesPerSecond) = (change.FlopsPerSecond, change.LinkBytesPerSecond);
                break;
            case SimulatedEvent.NodeCrashes:
                NodeCrashes(e);
                break;
            case SimulatedEvent.NodeReturns:
                NodeReturns(e.Index);
                break;
            case SimulatedEvent.NodeGivenUp:
                NodeGivenUp(e.Index, e.Life);
                break;
            case SimulatedEvent.Reallocate:
                Allocate();
                break;
        }
    }

    /// <summary>Devices that take part in the next epoch that is drawn.</summary>
    private IReadOnlyList<RosterEntry> Roster() =>
        [.. _spec.Devices.Where((_, i) => !_devices[i].IsStruck).Select(d => new RosterEntry(d.Id, d.Lengths.Length))];

    private int NodeOf(int device) => _spec.Devices[device].Node;

    private double Latency(int device) => _spec.Nodes[NodeOf(device)].LatencySeconds;

    private EpochBook Book(int epoch)
    {
        _plan.For(epoch);
        return _books[epoch];
    }

    private static int Sum(ReadOnlySpan<int> values)
    {
        var sum = 0;
        foreach (var value in values)
        {
            sum += value;
        }

        return sum;
    }
}
