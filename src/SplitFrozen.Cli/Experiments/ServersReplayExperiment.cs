using System.Globalization;

using SplitFrozen.Cli.Plots;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Costs;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Scheduling;
using SplitFrozen.Model;

namespace SplitFrozen.Cli.Experiments;

/// <summary>
/// Trainer stages on 1, 2 and 4 servers, by the timed replay of the schedules: times of F, B and W from the cost model and a server's rate, rows between stages over
/// links of a rate and a latency. It runs no cluster.
/// </summary>
internal sealed class ServersReplayExperiment : IExperiment
{
    private const string EqualLinks = "equal";
    private const string OneSlowLink = "one slow";
    private const double FastMegabits = 10_000;
    private static readonly (double Megabits, double Milliseconds)[] Links = [(100, 1), (1000, 1), (1000, 20), (10_000, 0.1)];
    private static readonly double[] SlowMegabits = [50, 100, 200, 500, 1000, 10_000];
    private static readonly string[] Trained = ["lora", "all"];
    private static readonly double[] GigaFlops = [50, 1000];
    private static readonly int[] MicroBatches = [4, 16];
    private static readonly int[] Servers = [1, 2, 4];

    /// <inheritdoc/>
    public string Name => "servers-replay";

    /// <inheritdoc/>
    public string Description => "The same as `servers` by calculation, in a moment and for more cases: the timed replay of the schedules (no cluster is run).";

    /// <inheritdoc/>
    public string Note =>
        "Computed by replaying the schedules in simulated time, not measured on a cluster. Times are those of one global batch, without the optimiser's step; speedup is against one server of the same rate.";

    /// <inheritdoc/>
    public IReadOnlyList<ExperimentCell> Cells(Settings settings)
    {
        var shape = Shape(settings);
        var blocks = Blocks(settings, shape).Count;
        var cells = new List<ExperimentCell>();
        cells.AddRange(
            from trained in Trained
            from gigaFlops in GigaFlops
            from microBatches in MicroBatches
            from servers in Servers.Where(p => p <= blocks)
            from link in Links.Take(servers == 1 ? 1 : Links.Length)
            select Cell(trained, gigaFlops, microBatches, servers, EqualLinks, link.Megabits, link.Milliseconds));
        cells.AddRange(
            from megabits in SlowMegabits.Where(_ => blocks >= 4)
            select Cell("lora", 1000, 16, 4, OneSlowLink, megabits, 0.1));
        return cells;
    }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, double> Run(Settings settings, ExperimentCell cell)
    {
        var shape = Shape(settings);
        var setup = Setup.Of(cell, settings, shape, Blocks(settings, shape));
        var zbH1 = setup.Replay(ScheduleKind.ZbH1, setup.Servers);
        return new Dictionary<string, double>
        {
            ["seconds_zb_h1"] = zbH1.StageTime,
            ["seconds_1f1b"] = setup.Replay(ScheduleKind.OneForwardOneBackward, setup.Servers).StageTime,
            ["bubble_share"] = zbH1.BubbleShare,
            ["speedup"] = setup.Replay(ScheduleKind.ZbH1, 1).StageTime / zbH1.StageTime,
            ["slowest_link_seconds"] = setup.Servers == 1 ? 0 : setup.MicroBatches * setup.SlowestTransfer,
        };
    }

    /// <inheritdoc/>
    public void Draw(string folder, IReadOnlyList<ExperimentRow> rows)
    {
        foreach (var gigaFlops in GigaFlops.Select(Text))
        {
            var shown = rows.Where(r => Is(r, "trained", "lora") && Is(r, "gigaflops", gigaFlops) && Is(r, "micro_batches", "16") && Is(r, "links", EqualLinks)).ToList();
            var one = shown.First(r => Is(r, "servers", "1"));
            LinePlot.Save(
                Path.Combine(folder, $"speedup-{gigaFlops}.png"), $"Speed-up by servers of {gigaFlops} GFLOP/s each (LoRA, ZB-H1, 16 micro-batches; replay)",
                "servers", "speed-up over one server (times)",
                [.. shown.Where(r => !Is(r, "servers", "1")).GroupBy(r => $"{r.Cell.Parameters["megabits"]} Mbit/s, {r.Cell.Parameters["latency_ms"]} ms").Select(g =>
                    new LineSeries(g.Key, [.. g.Prepend(one).Select(r => (Number(r, "servers"), r.Values["speedup"]))]))]);
        }

        var slow = rows.Where(r => Is(r, "links", OneSlowLink)).ToList();
        if (slow.Count > 0)
        {
            LinePlot.Save(
                Path.Combine(folder, "slowest-link.png"), "Four servers, one link slower than the others (LoRA, ZB-H1, 16 micro-batches; replay)",
                "rate of the slow link (Mbit/s)", "time of a global batch (s)",
                [
                    new LineSeries("a global batch", [.. slow.Select(r => (Number(r, "megabits"), r.Values["seconds_zb_h1"]))]),
                    new LineSeries("its gradients over the slow link alone", [.. slow.Select(r => (Number(r, "megabits"), r.Values["slowest_link_seconds"]))]),
                ]);
        }
    }

    private static ModelShape Shape(Settings settings) => HuggingFaceModel.Open(settings.Model.Path, settings.Model.Compute).Shape;

    private static BlockRange Blocks(Settings settings, ModelShape shape) => new(settings.Model.Cut ?? shape.Layers / 2, shape.Layers);

    private static ExperimentCell Cell(
        string trained, double gigaFlops, int microBatches, int servers, string links, double megabits, double milliseconds)
    {
        var id = string.Create(CultureInfo.InvariantCulture, $"{trained}-{gigaFlops}gf-m{microBatches}-p{servers}-{links.Replace(' ', '-')}-{megabits}mbit-{milliseconds}ms");
        return new ExperimentCell(id, new Dictionary<string, string>
        {
            ["trained"] = trained,
            ["gigaflops"] = Text(gigaFlops),
            ["micro_batches"] = Text(microBatches),
            ["servers"] = Text(servers),
            ["links"] = links,
            ["megabits"] = Text(megabits),
            ["latency_ms"] = Text(milliseconds),
        });
    }

    private static string Text(double value) => value.ToString(CultureInfo.InvariantCulture);

    private static bool Is(ExperimentRow row, string name, string value) => row.Cell.Parameters[name] == value;

    private static double Number(ExperimentRow row, string name) => double.Parse(row.Cell.Parameters[name], CultureInfo.InvariantCulture);

    /// <summary>What a cell replays.</summary>
    /// <param name="BlockTimes">TF, TB and TW of one block in seconds.</param>
    /// <param name="Blocks">The trained blocks.</param>
    /// <param name="MicroBatches">Micro-batches m.</param>
    /// <param name="Servers">Stages p.</param>
    /// <param name="Transfer">Seconds that the rows of a micro-batch keep an ordinary link busy.</param>
    /// <param name="SlowestTransfer">Seconds that they keep the slowest link busy.</param>
    /// <param name="Latency">Seconds of latency.</param>
    private sealed record Setup(
        StageTimes BlockTimes, BlockRange Blocks, int MicroBatches, int Servers, double Transfer, double SlowestTransfer, double Latency)
    {
        public static Setup Of(ExperimentCell cell, Settings settings, ModelShape shape, BlockRange blocks)
        {
            var length = settings.Data.MaxLength;
            var tokens = (double)settings.Training.MicroBatchSize * length;
            var rate = Value("gigaflops") * 1e9;
            var flops = TrainingCosts.Block(shape, settings.Lora, [.. Enumerable.Repeat(length, settings.Training.MicroBatchSize)]);
            var weights = cell.Parameters["trained"] == "lora" ? flops.BackwardWeights : 2 * tokens * LayerCosts.BlockMatrixParameters(shape);
            var times = new StageTimes(flops.Forward / rate, flops.BackwardInput / rate, weights / rate);
            var bits = tokens * shape.Width * sizeof(float) * 8;
            var slowest = bits / (Value("megabits") * 1e6);
            return new Setup(
                times, blocks, (int)Value("micro_batches"), (int)Value("servers"),
                cell.Parameters["links"] == OneSlowLink ? bits / (FastMegabits * 1e6) : slowest, slowest, Value("latency_ms") / 1e3);

            double Value(string name) => double.Parse(cell.Parameters[name], CultureInfo.InvariantCulture);
        }

        /// <summary>Replays a schedule on equal servers; the last link is the slowest.</summary>
        public ReplayResult Replay(ScheduleKind kind, int servers)
        {
            var costs = Enumerable.Repeat(1.0, Blocks.Count).ToArray();
            var cut = StagePartition.Cut(Blocks, costs, [.. Enumerable.Repeat(1.0, servers)]);
            return ScheduleReplay.Run(
                PipelineSchedule.Create(kind, servers, MicroBatches),
                [.. cut.Select(range => new StageTimes(
                    range.Count * BlockTimes.Forward, range.Count * BlockTimes.BackwardInput, range.Count * BlockTimes.BackwardWeights))],
                [.. Enumerable.Range(0, servers - 1).Select(link => new LinkTimes(link == servers - 2 ? SlowestTransfer : Transfer, Latency))]);
        }
    }
}
