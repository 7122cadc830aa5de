using System.Globalization;

using SplitFrozen.Cli.Plots;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Scheduling;
using SplitFrozen.Model;

namespace SplitFrozen.Cli.Experiments;

/// <summary>Trainer stages on 1, 2 and 4 server nodes with emulated rates and links, measured on a cluster, beside what the replay of the schedule says.</summary>
internal sealed class ServersExperiment : IExperiment
{
    private const string EqualLinks = "equal";
    private const string OneSlowLink = "one slow";
    private const double FastMegabits = 10_000;
    private const double FastMilliseconds = 0.1;
    private const double SlowLinkGigaFlops = 200;
    private const int MicroBatches = 8;
    private static readonly (double Megabits, double Milliseconds)[] Links = [(100, 1), (1000, 1), (1000, 20), (FastMegabits, FastMilliseconds)];
    private static readonly double[] SlowMegabits = [50, 100, 200, 400, FastMegabits];
    private static readonly double[] GigaFlops = [50, SlowLinkGigaFlops];
    private static readonly int[] Servers = [1, 2, 4];

    /// <inheritdoc/>
    public string Name => "servers";

    /// <inheritdoc/>
    public string Description => "When a second server pays: trainer stages on 1, 2 and 4 server nodes with emulated rates and links, measured on a cluster of this machine.";

    /// <inheritdoc/>
    public string Note =>
        "Measured: a cluster with real actors, frames and sockets, whose server nodes wait as long as their rate asks for instead of computing. seconds is the median time of a global batch of 8 micro-batches with its optimiser step (3 of them), seconds_replay what the replay of ZB-H1 says for it; speedup is against one server of the same rate. gradients_alone is what the slowest link needs for the gradients of a global batch by itself.";

    /// <inheritdoc/>
    public IReadOnlyList<ExperimentCell> Cells(Settings settings)
    {
        var blocks = Blocks(settings, Shape(settings)).Count;
        return
        [
            .. from gigaFlops in GigaFlops
               from servers in Servers.Where(p => p <= blocks)
               from link in Links.Take(servers == 1 ? 1 : Links.Length)
               select Cell(gigaFlops, servers, EqualLinks, link.Megabits, link.Milliseconds),
            .. from megabits in SlowMegabits.Where(_ => blocks >= 4)
               select Cell(SlowLinkGigaFlops, 4, OneSlowLink, megabits, FastMilliseconds),
        ];
    }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, double> Run(Settings settings, ExperimentCell cell)
    {
        var shape = Shape(settings);
        var slow = cell.Parameters["links"] == OneSlowLink;
        var setup = new ServersSetup(
            (int)Number(cell, "servers"), Number(cell, "gigaflops"), slow ? FastMegabits : Number(cell, "megabits"), Number(cell, "megabits"),
            TimeSpan.FromMilliseconds(Number(cell, "latency_ms")), MicroBatches);
        var seconds = EmulatedServers.MeasureAsync(settings, shape, setup).GetAwaiter().GetResult().Order().ToList();
        var replay = ServersReplay.Of(settings, shape, Blocks(settings, shape), setup);
        return new Dictionary<string, double>
        {
            ["seconds"] = seconds[seconds.Count / 2],
            ["seconds_min"] = seconds[0],
            ["seconds_max"] = seconds[^1],
            ["seconds_replay"] = replay.Run(ScheduleKind.ZbH1).StageTime,
            ["gradients_alone"] = setup.Servers == 1 ? 0 : MicroBatches * replay.SlowestTransfer,
        };
    }

    /// <inheritdoc/>
    public IReadOnlyList<ExperimentRow> Compare(IReadOnlyList<ExperimentRow> rows) =>
    [
        .. rows.Select(row => row with
        {
            Values = new Dictionary<string, double>(row.Values)
            {
                ["speedup"] = rows.First(r => Is(r, "servers", "1") && Is(r, "gigaflops", row.Cell.Parameters["gigaflops"])).Values["seconds"] / row.Values["seconds"],
            },
        }),
    ];

    /// <inheritdoc/>
    public void Draw(string folder, IReadOnlyList<ExperimentRow> rows)
    {
        foreach (var gigaFlops in GigaFlops.Select(Text))
        {
            var shown = rows.Where(r => Is(r, "gigaflops", gigaFlops) && Is(r, "links", EqualLinks)).ToList();
            var one = shown.First(r => Is(r, "servers", "1"));
            LinePlot.Save(
                Path.Combine(folder, $"speedup-{gigaFlops}.png"), $"Speed-up by servers of {gigaFlops} GFLOP/s each (LoRA, ZB-H1, {MicroBatches} micro-batches; measured)",
                "servers", "speed-up over one server (times)",
                [.. shown.Where(r => !Is(r, "servers", "1")).GroupBy(r => $"{r.Cell.Parameters["megabits"]} Mbit/s, {r.Cell.Parameters["latency_ms"]} ms").Select(g =>
                    new LineSeries(g.Key, [.. g.Prepend(one).Select(r => (Number(r.Cell, "servers"), r.Values["speedup"]))]))]);
        }

        var slow = rows.Where(r => Is(r, "links", OneSlowLink)).ToList();
        if (slow.Count > 0)
        {
            LinePlot.Save(
                Path.Combine(folder, "slowest-link.png"), $"Four servers, one link slower than the others (LoRA, ZB-H1, {MicroBatches} micro-batches; measured)",
                "rate of the slow link (Mbit/s)", "time of a global batch (s)",
                [
                    Series("a global batch", "seconds"), Series("a global batch by replay", "seconds_replay"),
                    Series("its gradients over the slow link alone", "gradients_alone"),
                ]);
        }

        LineSeries Series(string name, string value) => new(name, [.. slow.Select(r => (Number(r.Cell, "megabits"), r.Values[value]))]);
    }

    private static ModelShape Shape(Settings settings) => HuggingFaceModel.Open(settings.Model.Path, settings.Model.Compute).Shape;

    private static BlockRange Blocks(Settings settings, ModelShape shape) => new(settings.Model.Cut ?? shape.Layers / 2, shape.Layers);

    private static ExperimentCell Cell(double gigaFlops, int servers, string links, double megabits, double milliseconds) => new(
        string.Create(CultureInfo.InvariantCulture, $"{gigaFlops}gf-p{servers}-{links.Replace(' ', '-')}-{megabits}mbit-{milliseconds}ms"),
        new Dictionary<string, string>
        {
            ["gigaflops"] = Text(gigaFlops),
            ["servers"] = Text(servers),
            ["links"] = links,
            ["megabits"] = Text(megabits),
            ["latency_ms"] = Text(milliseconds),
        });

    private static string Text(double value) => value.ToString(CultureInfo.InvariantCulture);

    private static bool Is(ExperimentRow row, string name, string value) => row.Cell.Parameters[name] == value;

    private static double Number(ExperimentCell cell, string name) => double.Parse(cell.Parameters[name], CultureInfo.InvariantCulture);
}
