using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Costs;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Simulation;
using SplitFrozen.Protocol;

namespace SplitFrozen.Methods.Accounting;

/// <summary>
/// What a run costs by the cost model: a pure function of model, settings and the lengths of the samples, over the batches and rounds that the run itself walks. A
/// multiply-add counts two; norms, element-wise functions, optimiser steps and scoring are not counted; embeddings are look-ups.
/// </summary>
public sealed partial class MethodCosts
{
    private readonly Settings _settings;
    private readonly ModelShape _shape;
    private readonly TrainerSpec _trainer;
    private readonly IReadOnlyList<LocalData> _devices;
    private readonly EmulatedFleet _fleet;
    private readonly DeviceMemory _memory;

    /// <summary>Costs of runs on some data.</summary>
    /// <param name="settings">The configuration.</param>
    /// <param name="shape">The model.</param>
    /// <param name="trainer">What is trained; its first block is overridden by each method.</param>
    /// <param name="devices">The devices' samples.</param>
    /// <param name="fleet">What is emulated.</param>
    public MethodCosts(Settings settings, ModelShape shape, TrainerSpec trainer, IReadOnlyList<LocalData> devices, EmulatedFleet fleet)
    {
        (_settings, _shape, _trainer, _devices, _fleet) = (settings, shape, trainer with { Cut = 0, Stage = null }, devices, fleet);
        _memory = new DeviceMemory(shape, trainer);
    }

    /// <summary>The cost of a method.</summary>
    /// <param name="method">One of <see cref="TrainingMethods.All"/>.</param>
    public MethodCost Of(string method) => method switch
    {
        TrainingMethods.SplitFrozen => SplitFrozen(_settings.Model.Cut ?? _shape.Layers / 2, KeptShare()),
        TrainingMethods.CenLora => CenLora(_settings.Training.LoraFrom ?? 0),
        TrainingMethods.FedLora => FedLora(),
        TrainingMethods.SplitLora => SplitLora(),
        _ => throw new ArgumentOutOfRangeException(nameof(method), method, "Not a method."),
    };

    /// <summary>CenLoRA: the server has all data and does all work.</summary>
    /// <param name="from">First block with adapters; those below run forward only.</param>
    public MethodCost CenLora(int from)
    {
        var flops = _devices.Sum(d => Batches(d).Sum(batch => d.MicroBatches(batch).Sum(m => Central(d, m, from))));
        var seconds = flops / _fleet.ServerFlops;
        return new MethodCost([], seconds, flops, new StageLoad(0, 0, seconds));
    }

    /// <summary>FedLoRA: a round takes as long as its slowest device. The server's average is not counted.</summary>
    public MethodCost FedLora()
    {
        var rounds = new FedRounds<LocalData>(_settings.FedLora, _settings.Training, _devices);
        var books = _devices.ToDictionary(d => d.Id, d => new Book(d.Id));
        var bytes = sizeof(float) * (double)AdapterNumbers(new BlockRange(0, _shape.Layers), _settings.FedLora.Variant == FedLoraVariant.Ffa);
        var cursors = _devices.ToDictionary(d => d.Id, _ => 0);
        var wall = 0.0;
        for (var round = 0; round < rounds.Count; round++)
        {
            foreach (var device in rounds.Drawn(round))
            {
                books[device.Id].Down += bytes;
            }

            wall += rounds.Returning(round).Select(device =>
            {
                var (flops, tokens) = Steps(device, cursors[device.Id], rounds.Steps(device));
                cursors[device.Id] += rounds.Steps(device);
                var seconds = books[device.Id].Work(flops, tokens, bytes, _fleet);
                return seconds + (2 * _fleet.Transfer(bytes));
            }).DefaultIfEmpty(0).Max();
        }

        return Sum(books.Values, wall, 0, d => _memory.Training(_shape.Layers, LargestMicroBatch(d), _trainer.Task == TaskKind.Classification));
    }

    private MethodCost Sum(IEnumerable<Book> books, double wall, double serverFlops, Func<LocalData, double> memory)
    {
        var byId = books.ToDictionary(b => b.Id);
        var devices = _devices.Select(d => byId[d.Id].Close(memory(d))).ToList();
        return new MethodCost(devices, wall, serverFlops, new StageLoad(
            byId.Values.Max(b => b.Flops) / _fleet.DeviceFlops, byId.Values.Max(b => _fleet.Transfer(b.Up) + _fleet.Transfer(b.Down)), serverFlops / _fleet.ServerFlops));
    }

    private IEnumerable<int> Batches(LocalData device) => Enumerable.Range(0, _settings.Training.Epochs * device.BatchesPerEpoch);

    private (double Flops, long Tokens) Steps(LocalData device, int first, int steps)
    {
        var (flops, tokens) = (0.0, 0L);
        for (var batch = first; batch < first + steps; batch++)
        {
            foreach (var indices in device.MicroBatches(batch))
            {
                flops += Central(device, indices, 0);
                tokens += device.Lengths(indices).Sum();
            }
        }

        return (flops, tokens);
    }

    /// <summary>Operations of a micro-batch on one machine: frozen blocks, then F, B and W.</summary>
    private double Central(LocalData device, IReadOnlyList<int> indices, int from)
    {
        var lengths = device.Lengths(indices);
        return (from * LayerCosts.BlockForward(_shape, lengths))
            + TrainingCosts.Stage(_shape, _trainer with { Cut = from }, lengths, device.TargetRows(indices)).Total;
    }

    private long AdapterNumbers(BlockRange blocks, bool withoutA = false)
    {
        var a = BlockMatrix.Of(_shape).Where(m => m.IsTarget(_shape.Family, _trainer.Lora)).Sum(m => (long)_trainer.Lora.Rank * m.Inputs);
        var head = blocks.To == _shape.Layers && _trainer.Task == TaskKind.Classification ? (long)_trainer.Labels * _shape.Width : 0;
        return (blocks.Count * (MemoryCosts.AdapterParameters(_shape, _trainer.Lora) - (withoutA ? a : 0))) + head;
    }

    private static long LargestMicroBatch(LocalData device) =>
        Enumerable.Range(0, device.BatchesPerEpoch).Max(batch => device.MicroBatches(batch).Max(m => (long)device.Lengths(m).Sum()));

    private ModelCosts Wire(int cut) => new(_shape, _trainer with { Cut = cut }, 1, _settings.Channel.Codec);

    /// <summary>A device's account.</summary>
    private sealed class Book(DeviceId id)
    {
        public DeviceId Id => id;

        public double Flops { get; private set; }

        public long Tokens { get; private set; }

        public double Up { get; set; }

        public double Down { get; set; }

        /// <summary>The account, with the memory that was needed.</summary>
        public DeviceCost Close(double peakBytes) => new(id, Flops, Tokens, Up, Down, peakBytes);

        /// <summary>Notes work and what is sent after it.</summary>
        /// <returns>Seconds of the work.</returns>
        public double Work(double flops, long tokens, double bytesUp, EmulatedFleet fleet)
        {
            Flops += flops;
            Tokens += tokens;
            Up += bytesUp;
            return flops / fleet.DeviceFlops;
        }
    }
}
