using System.Globalization;

using SplitFrozen.Cli.Plots;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Costs;
using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Simulation;
using SplitFrozen.Methods;
using SplitFrozen.Methods.Accounting;
using SplitFrozen.Protocol;

namespace SplitFrozen.Cli.Experiments;

/// <summary>Where the time of each method goes, on GPT-2 small's sizes and samples of 128 tokens: by the cost model, no cluster is run.</summary>
internal sealed class PipelineExperiment : IExperiment
{
    private const int Devices = 10;
    private const int SamplesEach = 320;
    private const int Length = 128;
    private const int Cut = 6;
    private const string OneAfterAnother = "splitfrozen one after another";
    private const string NoStore = "splitfrozen no store";
    private const string SplitParallel = "splitlora parallel";

    private static readonly string[] Methods = [OneAfterAnother, NoStore, TrainingMethods.SplitFrozen, TrainingMethods.FedLora, TrainingMethods.SplitLora, SplitParallel];

    private static readonly string[] Stages = ["device", "link", "server"];

    private static readonly EmulatedFleet[] Fleets =
        [EmulatedFleet.Paper, new("phones", 1e11, 600e6 / 8, 0, 6e12), new("slow links", 1e12, 50e6 / 8, 0.02, 6e12)];

    /// <inheritdoc/>
    public string Name => "pipeline";

    /// <inheritdoc/>
    public string Description => "Time of each method, its stages and its bottleneck on emulated devices, links and server, by the cost model (no cluster is run).";

    /// <inheritdoc/>
    public string Note =>
        $"Computed, not measured: GPT-2 small's sizes, {Devices} devices of {SamplesEach} samples of {Length} tokens each, frozen line and split at block {Cut}. paper: devices of 1 TFLOP/s, links of 600 Mbit/s, a server of 6 TFLOP/s; "
        + "phones: devices of 0.1 TFLOP/s; slow links: 50 Mbit/s and 20 ms. Columns device, link and server are the busy seconds of the busiest device and link, and of the server; bottleneck is the longest of them "
        + $"(of {OneAfterAnother} and sequential splitlora, where nothing overlaps, the run takes what all devices, links and the server take together).";

    /// <inheritdoc/>
    public IReadOnlyList<ExperimentCell> Cells(Settings settings) =>
    [
        .. from fleet in Fleets
           from method in Methods
           select new ExperimentCell(
               $"{fleet.Name}-{method}".Replace(' ', '-'), new Dictionary<string, string> { ["fleet"] = fleet.Name, ["method"] = method }),
    ];

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, double> Run(Settings settings, ExperimentCell cell)
    {
        var method = cell.Parameters["method"];
        var fleet = Fleets.First(f => f.Name == cell.Parameters["fleet"]);
        var cost = Cost(settings, fleet, method);
        var wall = method == OneAfterAnother
            ? (cost.DeviceFlops / fleet.DeviceFlops) + cost.Devices.Sum(d => fleet.Transfer(d.BytesUp)) + cost.Stages.Server
            : cost.WallSeconds;
        return new Dictionary<string, double>
        {
            ["wall_s"] = wall,
            ["device_s"] = cost.Stages.Device,
            ["link_s"] = cost.Stages.Link,
            ["server_s"] = cost.Stages.Server,
            ["device_gflop"] = cost.DeviceFlops / Devices / 1e9,
        };
    }

    /// <inheritdoc/>
    public IReadOnlyList<ExperimentRow> Compare(IReadOnlyList<ExperimentRow> rows) => [.. rows.Select(row =>
    {
        double Wall(string method) => rows.First(r => r.Parameter("fleet") == row.Parameter("fleet") && r.Parameter("method") == method).Values["wall_s"];
        return row.With(
            ("less_than_fedlora", 1 - (row.Values["wall_s"] / Wall(TrainingMethods.FedLora))),
            ("less_than_splitlora", 1 - (row.Values["wall_s"] / Wall(TrainingMethods.SplitLora))),
            ("less_than_one_after_another", 1 - (row.Values["wall_s"] / Wall(OneAfterAnother)))) with
        {
            Words = new Dictionary<string, string> { ["bottleneck"] = Bottleneck(row) },
        };
    })];

    /// <inheritdoc/>
    public void Draw(string folder, IReadOnlyList<ExperimentRow> rows)
    {
        foreach (var fleet in Fleets)
        {
            var shown = rows.Where(r => r.Parameter("fleet") == fleet.Name).ToList();
            BarSeries Series(string name, string column) => new(name, [.. shown.Select(r => r.Values[column])]);
            BarPlot.Save(
                Path.Combine(folder, $"{fleet.Name.Replace(' ', '-')}.png"), $"Time of a run, fleet: {fleet.Name} (cost model)", "seconds",
                [.. shown.Select(r => r.Parameter("method").Replace("splitfrozen ", "splitfrozen\n", StringComparison.Ordinal).Replace("splitlora ", "splitlora\n", StringComparison.Ordinal))],
                [Series("wall time", "wall_s"), Series("busiest device", "device_s"), Series("busiest link", "link_s"), Series("server", "server_s")]);
        }

        DrawTrace(Path.Combine(folder, "trace.png"));
    }

    private static string Bottleneck(ExperimentRow row) => Stages.MaxBy(stage => row.Values[$"{stage}_s"])!;

    private static MethodCost Cost(Settings settings, EmulatedFleet fleet, string method)
    {
        var split = method is TrainingMethods.SplitLora or SplitParallel;
        var changed = settings with
        {
            Model = settings.Model with { Cut = Cut },
            SplitLora = settings.SplitLora with { Order = method == SplitParallel ? SplitLoraOrder.Parallel : SplitLoraOrder.Sequential, Blocks = Cut },
            Store = settings.Store with { Mode = method is NoStore or OneAfterAnother ? StoreMode.Off : StoreMode.Memory },
        };
        var samples = Enumerable.Repeat(new EncodedSample(new int[Length], [0]), SamplesEach).ToList();
        var devices = Enumerable.Range(0, Devices).Select(d => new LocalData(SharedDevices.Id(d), samples, LocalOrder.Of(changed.Training))).ToList();
        var costs = new MethodCosts(changed, Shape, Trainer(changed), devices, fleet);
        return costs.Of(split ? TrainingMethods.SplitLora : method == TrainingMethods.FedLora ? method : TrainingMethods.SplitFrozen);
    }

    private static ModelShape Shape => KnownShapes.Find("gpt2-small");

    private static TrainerSpec Trainer(Settings settings) => new(
        TaskKind.Classification, Labels: 2, Cut, settings.Lora, settings.Training.WeightDecay, settings.Training.ClipNorm, settings.Training.Seed);

    /// <summary>One device's first units of 16 samples on profile paper, one after another and overlapped.</summary>
    private static void DrawTrace(string file)
    {
        const int Units = 8;
        int[] lengths = [.. Enumerable.Repeat(Length, 16)];
        var fleet = EmulatedFleet.Paper;
        var spec = new TrainerSpec(TaskKind.Classification, 2, Cut, new LoraSpec(8, 16, 0, []), 0, 0, 1);
        double[] times =
        [
            Cut * LayerCosts.BlockForward(Shape, lengths) / fleet.DeviceFlops, fleet.Transfer(MemoryCosts.Wire(Shape, lengths.Sum(), sizeof(float))),
            TrainingCosts.Stage(Shape, spec, lengths, lengths.Length).Total / fleet.ServerFlops,
        ];
        string[] stages = ["device forward", "transfer", "server F B W"];
        var bars = new List<TimelineBar>();
        var (free, end) = (new double[3], 0.0);
        for (var unit = 0; unit < Units; unit++)
        {
            var ready = 0.0;
            for (var stage = 0; stage < 3; stage++)
            {
                var label = unit.ToString(CultureInfo.InvariantCulture);
                bars.Add(new TimelineBar(0, end, end + times[stage], stages[stage], label));
                end += times[stage];
                var start = Math.Max(ready, free[stage]);
                free[stage] = ready = start + times[stage];
                bars.Add(new TimelineBar(1 + stage, start, ready, stages[stage], label));
            }
        }

        TimelinePlot.Save(
            file, "Eight units of 16 × 128 tokens of one device on profile paper, one after another and overlapped (cost model)", "seconds",
            ["one after another", "device", "link", "server"], bars, stages);
    }
}
