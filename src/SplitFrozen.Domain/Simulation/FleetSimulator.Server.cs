using SplitFrozen.Domain.Allocation;
using SplitFrozen.Domain.Sampling;
using SplitFrozen.Domain.Scheduling;

namespace SplitFrozen.Domain.Simulation;

/// <summary>The server: catch-up, trainer stages, optimiser steps; and the report.</summary>
public sealed partial class FleetSimulator
{
    private readonly Dictionary<int, PipelineSchedule> _schedules = [];
    private readonly Lane[] _stages;
    private readonly Lane _catchUp = new();
    private readonly Queue<FleetUnit> _toCatchUp = [];
    private PipelineProgress? _trainer;
    private int[] _lengths = [];
    private int _epoch;
    private int _batch;
    private bool _isStepping;
    private double _epochBegan;
    private long _expected;

    /// <summary>Mean work of a sample, for allocation.</summary>
    private (double TokensPerSample, double FlopsPerLayerToken, double TrainingFlopsPerToken) Work => _work ??= MeanWork();

    private (double TokensPerSample, double FlopsPerLayerToken, double TrainingFlopsPerToken)? _work;

    private WorkSizes Sizes => new(Work.TokensPerSample, _spec.Costs.UnitBytes(1, 1) - _spec.Costs.UnitBytes(1, 0), _spec.Costs.BlockBytes);

    private ServerMeasure Server => new(
        _spec.Server.FlopsPerSecond / Work.FlopsPerLayerToken, Work.TrainingFlopsPerToken / _spec.Server.FlopsPerSecond, _spec.Server.SharesCompute);

    private void UnitArrives(FleetUnit unit, int life)
    {
        var node = _nodes[NodeOf(unit.Device)];
        if (node.Life != life)
        {
            _unitsRepeated++;
            return;
        }

        if (unit.Layers == _spec.Cut)
        {
            Place(unit);
        }
        else
        {
            _toCatchUp.Enqueue(unit);
        }

        Dispatch();
    }

    private void UnitCaughtUp(FleetUnit unit)
    {
        _catchUp.End(Now);
        Place(unit);
        Dispatch();
    }

    private void Place(FleetUnit unit)
    {
        if (_devices[unit.Device].Placed(unit))
        {
            Keep(unit, _books[unit.Epoch]);
            _books[unit.Epoch].Settle(unit.Positions, isStruck: false);
            _unitsPlaced++;
            AskHeld(unit.Device);
        }
        else
        {
            // Struck, or granted again and placed, while it waited for its catch-up.
            _unitsRepeated++;
        }

        _events.Add(Latency(unit.Device), new PendingEvent(SimulatedEvent.CreditArrives, unit.Device, unit.Life));
    }

    /// <summary>Starts whatever can start on the server.</summary>
    private void Dispatch()
    {
        if (_isOver || _trainer is null)
        {
            return;
        }

        for (var stage = 0; stage < _stages.Length && !_isStepping; stage++)
        {
            var isFree = !_stages[stage].IsBusy && !(stage == 0 && _spec.Server.SharesCompute && _catchUp.IsBusy);
            if (isFree && stage == 0 && _trainer.IsDone)
            {
                _isStepping = true;
                _stages[0].Begin(Now);
                _events.Add(_spec.Server.StepSeconds, new PendingEvent(SimulatedEvent.Stepped, 0));
            }
            else if (isFree && _trainer.Start(stage) is { } operation)
            {
                _stages[stage].Begin(Now);
                _events.Add(
                    _spec.Costs.Trainer(operation.Kind, stage, Lengths(operation.MicroBatch)) / _spec.Server.FlopsPerSecond,
                    new PendingEvent(SimulatedEvent.OperationDone, stage));
            }
        }

        if (!_catchUp.IsBusy && !(_spec.Server.SharesCompute && _stages[0].IsBusy) && _toCatchUp.TryDequeue(out var unit))
        {
            _catchUp.Begin(Now);
            _events.Add(
                (_spec.Cut - unit.Layers) * unit.BlockFlops / _spec.Server.FlopsPerSecond,
                new PendingEvent(SimulatedEvent.UnitCaughtUp, unit.Device, Unit: unit));
        }
    }

    private ReadOnlySpan<int> Lengths(int micro)
    {
        var book = Book(_epoch);
        var samples = book.Trained(_batch, micro);
        if (_lengths.Length < samples.Length)
        {
            _lengths = new int[samples.Length];
        }

        for (var i = 0; i < samples.Length; i++)
        {
            _lengths[i] = _spec.Devices[book.Devices[samples[i].Device]].Lengths[samples[i].Index];
        }

        return _lengths.AsSpan(0, samples.Length);
    }

    private void BeginBatch()
    {
        var book = Book(_epoch);
        if (_batch == 0)
        {
            _expected += book.Plan.Samples;
        }

        var microBatches = book.Plan.MicroBatches(_batch);
        if (!_schedules.TryGetValue(microBatches, out var schedule))
        {
            _schedules[microBatches] = schedule = PipelineSchedule.Create(ScheduleKind.ZbH1, _stages.Length, microBatches);
        }

        _trainer = new PipelineProgress(schedule);
        for (var micro = 0; micro < microBatches; micro++)
        {
            if (book.IsReady(_batch, micro))
            {
                Ready(book, _batch, micro);
            }
        }
    }

    /// <summary>A micro-batch is at the frozen line: its F may run when its turn comes.</summary>
    private void Ready(EpochBook book, int batch, int micro)
    {
        if (book.Plan.Epoch == _epoch && batch == _batch)
        {
            _trainer?.Arrived(0, new Operation(OperationKind.Forward, micro));
        }
    }

    private void OperationDone(int stage)
    {
        _stages[stage].End(Now);
        var operation = _trainer!.Done(stage);
        if (_trainer.Above(stage, operation) is { } above)
        {
            _trainer.Arrived(stage + 1, above);
        }

        if (_trainer.Below(stage, operation) is { } below)
        {
            _trainer.Arrived(stage - 1, below);
        }

        Dispatch();
    }

    private void Stepped()
    {
        _stages[0].End(Now);
        _isStepping = false;
        var book = Book(_epoch);
        _ledger.Trained(_epoch, _batch, book.Trained(_batch));
        _window.BatchTrained(_epoch, _batch);
        _trainer = null;
        OpenGrants();
        if (++_batch == book.Plan.Batches)
        {
            EndEpoch(book.Plan);
        }

        if (!_isOver)
        {
            BeginBatch();
            Dispatch();
        }
    }

    private void EndEpoch(EpochPlan plan)
    {
        var book = Book(_epoch);
        _epochs.Add(new EpochReport(
            _epoch, Now - _epochBegan, plan.Batches, plan.Samples, _ledger.Missing(plan).Count, book.Supplied, book.BytesSent));
        _plan.Close(_epoch);
        _books.Remove(_epoch);
        (_epoch, _batch, _epochBegan) = (_epoch + 1, 0, Now);
        _isOver = _epoch == _spec.Training.Epochs;
    }

    private (double TokensPerSample, double FlopsPerLayerToken, double TrainingFlopsPerToken) MeanWork()
    {
        var (tokens, samples, frozen, training) = (0L, 0L, 0.0, 0.0);
        foreach (var lengths in _spec.Devices.Select(d => d.Lengths))
        {
            samples += lengths.Length;
            tokens += Sum(lengths);
            frozen += _spec.Costs.FrozenBlock(lengths);
            for (var stage = 0; stage < _stages.Length; stage++)
            {
                foreach (var kind in Enum.GetValues<OperationKind>())
                {
                    training += _spec.Costs.Trainer(kind, stage, lengths) / _stages.Length;
                }
            }
        }

        return samples == 0 ? (0, 1, 0) : ((double)tokens / samples, frozen / tokens, training / tokens);
    }

    private SimulationReport Report()
    {
        var lanes = new LaneTotals(Now)
            .Add("device", _spec.Nodes.Zip(_nodes, (n, s) => (n.Name, s.Compute)))
            .Add("link", _spec.Nodes.Zip(_nodes, (n, s) => (n.Name, s.Link)))
            .Add("catch_up", [("catch-up", _catchUp)])
            .Add("trainer", _stages.Select((s, i) => ($"stage {i}", s)));
        var bytes = _devices.Sum(d => d.BytesSent);
        return new SimulationReport(
            _spec.Allocation.Policy.Name, _spec.Allocation.EverySeconds is not null, _spec.Training.Seed, _nodes.Length, _devices.Length, _spec.Cut, Now,
            _epochs, lanes.Bottleneck, lanes.Reports,
            new TrafficReport(bytes, bytes / _devices.Length, _devices.Max(d => d.BytesSent), _unitsPlaced, _unitsRepeated),
            new CoverageReport(_expected, _ledger.SamplesTrained, _missing, _ledger.SamplesTrained == _expected && _missing == 0),
            _store?.Report(_spec.Devices),
            new FaultReport(_crashes, _rejoined, _nodes.Count(n => n.IsLost)),
            [.. _devices.CountBy(d => d.Layers).OrderBy(c => c.Key).Select(c => new LayerCount(c.Key, c.Value))], _layerChanges, _events.Taken);
    }
}
