using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Costs;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Scheduling;
using SplitFrozen.Protocol;

namespace SplitFrozen.Cli.Experiments;

/// <summary>What the timed replay of a schedule says for server nodes, with the costs and boundaries that the cluster has.</summary>
/// <param name="Stages">TF, TB and TW of each stage in seconds.</param>
/// <param name="Links">The links between neighbouring stages.</param>
/// <param name="MicroBatches">Micro-batches m.</param>
internal sealed record ServersReplay(IReadOnlyList<StageTimes> Stages, IReadOnlyList<LinkTimes> Links, int MicroBatches)
{
    /// <summary>Seconds that the rows of a micro-batch keep the slowest link busy.</summary>
    public double SlowestTransfer { get; private init; }

    /// <summary>The replay of a cell; the last link is the slowest.</summary>
    public static ServersReplay Of(Settings settings, ModelShape shape, BlockRange blocks, ServersSetup setup)
    {
        var samples = settings.Training.MicroBatchSize;
        var lengths = Enumerable.Repeat(Math.Min(settings.Data.MaxLength, shape.Context), samples).ToArray();
        var trainer = new TrainerSpec(TaskKind.Classification, 1, blocks.From, settings.Lora, 0, 0, 1);
        var rate = setup.GigaFlops * 1e9;
        OperationFlops Cost(BlockRange range) => TrainingCosts.Stage(shape, trainer with { Stage = range }, lengths, samples);
        var places = StagePlace.Choose(
            setup.Servers, blocks, [.. blocks.Cut(blocks.Count).Select(b => Cost(b).Total)], [.. Enumerable.Repeat(1.0, setup.Servers)]);
        var bits = (double)lengths.Sum() * shape.Width * sizeof(float) * 8;
        return new ServersReplay(
            [.. places.Select(p => Cost(p.Blocks)).Select(c => new StageTimes(c.Forward / rate, c.BackwardInput / rate, c.BackwardWeights / rate))],
            [.. Enumerable.Range(0, setup.Servers - 1).Select(link => new LinkTimes(
                bits / ((link == setup.Servers - 2 ? setup.SlowestMegabits : setup.Megabits) * 1e6), setup.Latency.TotalSeconds))],
            setup.MicroBatches)
        {
            SlowestTransfer = bits / (setup.SlowestMegabits * 1e6),
        };
    }

    /// <summary>Replays a schedule.</summary>
    public ReplayResult Run(ScheduleKind kind) => ScheduleReplay.Run(PipelineSchedule.Create(kind, Stages.Count, MicroBatches), Stages, Links);
}
