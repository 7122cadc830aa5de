using SplitFrozen.Domain.Allocation;
using SplitFrozen.Domain.Codecs;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Costs;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Sampling;
using SplitFrozen.Domain.Simulation;
using SplitFrozen.Domain.Store;
using SplitFrozen.Protocol;

namespace SplitFrozen.Methods.Accounting;

/// <summary>Methods that cut the model between devices and server.</summary>
public sealed partial class MethodCosts
{
    /// <summary>Bytes of a frame's header and checksum, in each direction.</summary>
    private const double HeaderBytes = 80;

    /// <summary>
    /// SplitFrozen: the fleet simulator plays the first epoch event by event, with all of the frozen blocks on the devices. After it devices run and send what the server
    /// did not keep, and an epoch takes what the server's F, B and W take, or that share of the first epoch if it is longer.
    /// </summary>
    /// <param name="cut">The frozen line C.</param>
    /// <param name="kept">Share of the samples whose activations the server keeps, 0 to 1.</param>
    public MethodCost SplitFrozen(int cut, double kept)
    {
        var (report, costs) = (Simulate(cut), Wire(cut));
        var epochs = _settings.Training.Epochs;
        var forwarded = 1 + ((epochs - 1) * (1 - kept));
        var books = _devices.ToDictionary(d => d.Id, d => new Book(d.Id));
        foreach (var device in _devices)
        {
            int[] all = [.. Enumerable.Range(0, device.Samples)];
            var lengths = device.Lengths(all);
            var tokens = lengths.Sum(l => (long)l);
            books[device.Id].Work(
                forwarded * cut * LayerCosts.BlockForward(_shape, lengths), (long)Math.Round(forwarded * tokens), forwarded * UnitBytes(device, costs), _fleet);
        }

        var server = epochs * _devices.Sum(d => Enumerable.Range(0, d.BatchesPerEpoch).Sum(batch => d.MicroBatches(batch).Sum(m => Upper(d, m, cut).Total)));
        var later = Math.Max(server / epochs / _fleet.ServerFlops, (1 - kept) * report.TotalSeconds);
        var wall = report.TotalSeconds + ((epochs - 1) * later);
        var unit = Math.Max(_settings.Pipeline.UnitTokens, _settings.Data.MaxLength);
        return Sum(books.Values, wall, server, _ => _memory.ForwardOnly(cut, unit));
    }

    /// <summary>Share of the samples whose activations have room in the store, by their bytes: 0 where the store is off.</summary>
    public double KeptShare()
    {
        var store = _settings.Store;
        if (store.Mode == StoreMode.Off)
        {
            return 0;
        }

        // What is in memory of a store on disk is in its files as well.
        var room = (double)(store.Mode == StoreMode.Disk ? Math.Max(store.MemoryLimit, store.DiskLimit) : store.MemoryLimit);
        var rowBytes = RowCodec.RowBytes(store.Codec, _shape.Width);
        int Targets(int tokens) => _trainer.Task == TaskKind.Classification ? 1 : tokens;
        return Math.Min(1, room / _devices.Sum(d => d.Lengths([.. Enumerable.Range(0, d.Samples)]).Sum(tokens => (double)StoreSizes.Record(d.Id, tokens, Targets(tokens), rowBytes))));
    }

    /// <summary>Plays an epoch of SplitFrozen.</summary>
    /// <param name="cut">The frozen line C.</param>
    public SimulationReport Simulate(int cut)
    {
        var nodes = _devices.Select(d => new SimulatedNode(d.Id.Value, _fleet.DeviceFlops, _fleet.LinkBytes, _fleet.LatencySeconds, null, [])).ToList();
        var devices = _devices.Select((d, i) => new SimulatedDevice(d.Id, i, d.Lengths([.. Enumerable.Range(0, d.Samples)]))).ToList();
        return FleetSimulator.Run(new FleetSpec(
            nodes, devices, new SimulatedServer(_fleet.ServerFlops, 1, SharesCompute: true, 0), Wire(cut), cut, _settings.Training with { Epochs = 1 }, _settings.Pipeline,
            _settings.Channel.Credits, new AllocationPlan(new StaticPolicy(), _settings.Allocation, null), new FaultSpec([], null, 1)));
    }

    /// <summary>
    /// SplitLoRA. Sequential: nothing overlaps. Parallel: in a round devices and links work side by side, the server takes batches as they arrive, and the round ends with
    /// the last device's step.
    /// </summary>
    public MethodCost SplitLora()
    {
        var blocks = SplitLoraRun.DeviceBlocks(_settings, _shape.Layers);
        var books = _devices.ToDictionary(d => d.Id, d => new Book(d.Id));
        var adapter = sizeof(float) * (double)AdapterNumbers(new BlockRange(0, blocks));
        var costs = Wire(blocks);
        var (wall, serverFlops, rounds) = (0.0, 0.0, 0);
        for (var epoch = 0; epoch < _settings.Training.Epochs; epoch++)
        {
            for (var round = 0; round < _devices.Max(d => d.BatchesPerEpoch); round++)
            {
                var visits = _devices.Where(d => d.BatchesPerEpoch > round)
                    .Select(d => Visit(d, (epoch * d.BatchesPerEpoch) + round, blocks, costs, books[d.Id])).ToList();
                serverFlops += visits.Sum(v => v.Server) * _fleet.ServerFlops;
                wall += _settings.SplitLora.Order == SplitLoraOrder.Sequential ? visits.Sum(v => v.Total) : Overlapped(visits);
                if (++rounds % _settings.SplitLora.AverageEvery == 0)
                {
                    wall += 2 * _fleet.Transfer(adapter);
                    foreach (var book in books.Values)
                    {
                        (book.Up, book.Down) = (book.Up + adapter, book.Down + adapter);
                    }
                }
            }
        }

        return Sum(books.Values, wall, serverFlops, d => _memory.Training(blocks, LargestMicroBatch(d), hasHead: false));
    }

    /// <summary>Seconds of a device's batch: F, the way up, the server, the way down, B and W.</summary>
    private VisitTime Visit(LocalData device, int batch, int blocks, ModelCosts costs, Book book)
    {
        var (forward, backward, server, up, down, tokens) = (0.0, 0.0, 0.0, 0.0, 0.0, 0L);
        foreach (var indices in device.MicroBatches(batch))
        {
            var lengths = device.Lengths(indices);
            var own = TrainingCosts.Stage(_shape, _trainer with { Stage = new BlockRange(0, blocks) }, lengths, 0);
            (forward, backward) = (forward + own.Forward, backward + own.BackwardInput + own.BackwardWeights);
            server += TrainingCosts.Stage(_shape, _trainer with { Stage = new BlockRange(blocks, _shape.Layers) }, lengths, device.TargetRows(indices)).Total;
            var rows = lengths.Sum();
            tokens += rows;
            up += costs.UnitBytes(lengths.Length, rows);
            down += HeaderBytes + MemoryCosts.Wire(_shape, rows, sizeof(float));
        }

        book.Work(forward + backward, tokens, up, _fleet);
        book.Down += down;
        return new VisitTime(
            forward / _fleet.DeviceFlops, _fleet.Transfer(up), server / _fleet.ServerFlops, _fleet.Transfer(down), backward / _fleet.DeviceFlops);
    }

    private static double Overlapped(IReadOnlyList<VisitTime> visits)
    {
        var (free, end) = (0.0, 0.0);
        foreach (var visit in visits.OrderBy(v => v.Forward + v.Up))
        {
            free = Math.Max(free, visit.Forward + visit.Up) + visit.Server;
            end = Math.Max(end, free + visit.Down + visit.Backward);
        }

        return end;
    }

    private OperationFlops Upper(LocalData device, IReadOnlyList<int> indices, int cut) =>
        TrainingCosts.Stage(_shape, _trainer with { Cut = cut }, device.Lengths(indices), device.TargetRows(indices));

    /// <summary>Bytes of an epoch's units, as the plan cuts them.</summary>
    private double UnitBytes(LocalData device, ModelCosts costs)
    {
        var plan = EpochPlan.Create(
            _settings.Training.Seed, 0, [.. _devices.Select(d => d.Samples)], _settings.Training.BatchSize, _settings.Training.MicroBatchSize,
            _settings.Pipeline.GrantBatches, _settings.Training.Order);
        var ordinal = _devices.ToList().IndexOf(device);
        return Enumerable.Range(0, plan.Grants).Sum(grant =>
        {
            var lengths = device.Lengths(plan.GrantSamples(grant, ordinal));
            return ForwardUnits.Cut(lengths, _settings.Pipeline.UnitTokens).Sum(unit => costs.UnitBytes(lengths[unit].Length, lengths[unit].Sum()));
        });
    }

    /// <summary>Seconds of the parts of a batch.</summary>
    private readonly record struct VisitTime(double Forward, double Up, double Server, double Down, double Backward)
    {
        public double Total => Forward + Up + Server + Down + Backward;
    }
}
