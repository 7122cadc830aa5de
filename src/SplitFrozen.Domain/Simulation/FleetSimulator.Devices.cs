using SplitFrozen.Domain.Allocation;

namespace SplitFrozen.Domain.Simulation;

/// <summary>Device nodes: they run units one at a time, send them one at a time, crash and return; and how many layers they have.</summary>
public sealed partial class FleetSimulator
{
    /// <summary>Marks a crash event as one of the specification's list, rather than a random one of a node's life.</summary>
    private const int GivenCrash = -1;

    private void GrantArrives(PendingEvent e)
    {
        // What was on its way to an earlier life is granted again to the next one when it returns.
        if (_nodes[NodeOf(e.Index)] is { IsUp: true } node && node.Life == e.Life)
        {
            _devices[e.Index].Receive(e.Units!);
            Pump(e.Index);
        }
    }

    private void CreditArrives(int device, int life)
    {
        if (_nodes[NodeOf(device)] is { IsUp: true } node && node.Life == life)
        {
            _devices[device].CreditReturned();
            Pump(device);
        }
    }

    /// <summary>Hands a device's next unit to its node, if there is one, a credit for it, and none of the device is being run.</summary>
    private void Pump(int device)
    {
        if (_devices[device].Next() is { } unit)
        {
            var index = NodeOf(device);
            unit.Life = _nodes[index].Life;
            _nodes[index].ToCompute.Enqueue(unit);
            Compute(index);
        }
    }

    private void Compute(int index)
    {
        var node = _nodes[index];
        if (!node.Compute.IsBusy && node.ToCompute.TryDequeue(out var unit))
        {
            unit.Layers = _devices[unit.Device].Layers;
            node.Compute.Begin(Now);
            _events.Add(unit.Layers * unit.BlockFlops / node.FlopsPerSecond, new PendingEvent(SimulatedEvent.UnitComputed, index, Unit: unit, Life: unit.Life));
        }
    }

    private void UnitComputed(int index, FleetUnit unit, int life)
    {
        var node = _nodes[index];
        if (!node.IsUp || node.Life != life)
        {
            return;
        }

        var seconds = node.Compute.End(Now);
        node.Estimate = seconds > 0 ? node.Estimate.Computed((double)unit.Layers * unit.Tokens, seconds) : node.Estimate;
        _devices[unit.Device].IsComputing = false;
        node.ToSend.Enqueue(unit);
        Send(index);
        Pump(unit.Device);
        Compute(index);
    }

    private void Send(int index)
    {
        var node = _nodes[index];
        if (!node.Link.IsBusy && node.ToSend.TryDequeue(out var unit))
        {
            node.Link.Begin(Now);
            _events.Add(Bytes(unit) / node.LinkBytesPerSecond, new PendingEvent(SimulatedEvent.UnitSent, index, Unit: unit, Life: unit.Life));
        }
    }

    private double Bytes(FleetUnit unit) => _spec.Costs.UnitBytes(unit.Positions.Length, unit.Tokens);

    private void UnitSent(int index, FleetUnit unit, int life)
    {
        var node = _nodes[index];
        if (!node.IsUp || node.Life != life)
        {
            return;
        }

        var seconds = node.Link.End(Now);
        node.Estimate = seconds > 0 ? node.Estimate.Sent(Bytes(unit), seconds) : node.Estimate;
        _devices[unit.Device].BytesSent += Bytes(unit);
        if (_books.TryGetValue(unit.Epoch, out var book))
        {
            book.BytesSent += Bytes(unit);
        }

        _events.Add(Latency(unit.Device), new PendingEvent(SimulatedEvent.UnitArrives, unit.Device, life, unit));
        Send(index);
    }

    private void ScheduleRandomCrash(int node)
    {
        if (_spec.Faults.Random is { PerHour: > 0 } random)
        {
            var after = -3600 / random.PerHour * Math.Log(1 - _random.NextDouble());
            _events.Add(after, new PendingEvent(SimulatedEvent.NodeCrashes, node, _nodes[node].Life));
        }
    }

    private void NodeCrashes(PendingEvent e)
    {
        var given = e.Life == GivenCrash ? _spec.Faults.Crashes[e.Index] : null;
        var index = given?.Node ?? e.Index;
        var node = _nodes[index];
        if (!node.IsUp || (given is null && node.Life != e.Life))
        {
            return;
        }

        _crashes++;
        _unitsRepeated += node.ToSend.Count + (node.Link.IsBusy ? 1 : 0) + (node.Compute.IsBusy ? 1 : 0);
        node.IsUp = false;
        node.Compute.End(Now);
        node.Link.End(Now);
        node.ToCompute.Clear();
        node.ToSend.Clear();
        foreach (var device in _devicesOfNode[index])
        {
            _devices[device].Crash();
            _devices[device].IsSpare = IsSpare(device);
        }

        var back = given is null ? _spec.Faults.Random!.DownSeconds.Draw(_random) : given.RejoinAfter;
        if (back <= _spec.Faults.LostAfterSeconds)
        {
            _events.Add(back.Value, new PendingEvent(SimulatedEvent.NodeReturns, index));
        }
        else
        {
            _events.Add(_spec.Faults.LostAfterSeconds, new PendingEvent(SimulatedEvent.NodeGivenUp, index, node.Life));
        }
    }

    /// <summary>A new life: what was granted and not placed is granted again.</summary>
    private void NodeReturns(int index)
    {
        var node = _nodes[index];
        node.Life++;
        node.IsUp = true;
        _rejoined++;
        foreach (var device in _devicesOfNode[index])
        {
            _events.Add(Latency(device), new PendingEvent(SimulatedEvent.GrantArrives, device, node.Life, Units: [.. _devices[device].Outstanding().Select(u => u with { })]));
        }

        ScheduleRandomCrash(index);
    }

    private void NodeGivenUp(int index, int life)
    {
        var node = _nodes[index];
        if (node.IsUp || node.Life != life)
        {
            return;
        }

        // What is still on its way from the old life is of no use: its samples are struck.
        node.IsLost = true;
        node.Life++;
        foreach (var device in _devicesOfNode[index].Where(d => !_devices[d].IsSpare))
        {
            Strike(device);
        }

        Dispatch();
    }

    private void Strike(int device)
    {
        foreach (var (epoch, positions) in _devices[device].Strike())
        {
            _books[epoch].Settle(positions, isStruck: true);
            _missing += positions.Count;
        }
    }

    /// <summary>Draws up an allocation from what the nodes measured, or, before they did anything, from their profiles.</summary>
    private void Allocate()
    {
        var input = new AllocationInput(
            _spec.Cut, Math.Min(_spec.Allocation.Settings.Min, _spec.Cut), Sizes, Server,
            [.. Enumerable.Range(0, _devices.Length).Where(d => !_nodes[NodeOf(d)].IsLost).Select(Measure)]);
        var round = Stabiliser.Next(_spec.Allocation.Policy, _spec.Allocation.Settings, _allocation, input, Now);
        _allocation = round.State;
        foreach (var change in round.Changes)
        {
            _devices[_indices[change.Device]].Layers = change.To;
            _layerChanges += change.From is null ? 0 : 1;
        }

        if (_spec.Allocation.EverySeconds is { } every)
        {
            _events.Add(every, new PendingEvent(SimulatedEvent.Reallocate, 0));
        }
    }

    private DeviceMeasure Measure(int device)
    {
        var (node, profile, work) = (_nodes[NodeOf(device)], _spec.Nodes[NodeOf(device)], Work);
        var measured = node.Estimate.LayerTokensPerSecond;
        var free = profile.MemoryBytes is { } memory ? Math.Max(0, memory - (_devices[device].Layers * _spec.Costs.BlockBytes)) : (long?)null;
        return new DeviceMeasure(
            _spec.Devices[device].Id, profile.Name, measured > 0 ? measured : node.FlopsPerSecond / work.FlopsPerLayerToken,
            node.Estimate.LinkBytesPerSecond ?? (double.IsFinite(node.LinkBytesPerSecond) ? node.LinkBytesPerSecond : null), free,
            _devices[device].QueueLength, null, _spec.Devices[device].Lengths.Length);
    }
}
