using System.Globalization;

using SplitFrozen.Domain.Allocation;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Simulation;
using SplitFrozen.Model;
using SplitFrozen.Protocol;

namespace SplitFrozen.Cli.Experiments;

/// <summary>
/// What <see cref="ReallocationExperiment"/> measures, for longer runs and another policy by the fleet simulator, which runs the code of a cluster (plan, window, estimator, policy,
/// guard, schedule) in simulated time.
/// </summary>
internal sealed class ReallocationReplayExperiment : IExperiment
{
    private const int Epochs = 6;
    private const int Samples = 4000;
    private const int Length = 32;
    private const double ServerFlops = 60e9;
    private const double LinkBytes = 40e6 / 8;

    private static readonly string[] Policies = [BuiltInPolicies.Proportional, BuiltInPolicies.Balanced];
    private static readonly int[] Seeds = [1, 2, 3];

    /// <inheritdoc/>
    public string Name => "reallocation-replay";

    /// <inheritdoc/>
    public string Description => "Static against dynamic allocation when a device slows to a third and recovers, and when nothing changes (simulated time).";

    /// <inheritdoc/>
    public string Note =>
        "Simulated by the fleet simulator, not measured on a cluster. static: dealt out once, as the policy balanced or proportional would at the start; dynamic: dealt out anew every splitfrozen.allocation.interval. "
        + "drifting: the strongest device runs at a third of its rate from 20 % to 60 % of the steady run's time; drifting in turn: each device in its turn, 24 % of that time each, from 2 % on. bubble_share is that of the trainer.";

    /// <inheritdoc/>
    public IReadOnlyList<ExperimentCell> Cells(Settings settings) =>
    [
        .. from trace in DriftTraces.All
           from policy in Policies
           from way in DriftTraces.Ways
           from seed in Seeds
           select new ExperimentCell($"{trace.Replace(' ', '-')}-{policy}-{way}-{seed}", new Dictionary<string, string>
           {
               ["trace"] = trace, ["policy"] = policy, ["allocation"] = way, ["seed"] = seed.ToString(CultureInfo.InvariantCulture),
           }),
    ];

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, double> Run(Settings settings, ExperimentCell cell)
    {
        var report = Simulate(settings, cell.Parameters, DriftTraces.Steady, DriftTraces.Static, 0);
        if (cell.Parameters["trace"] != DriftTraces.Steady || cell.Parameters["allocation"] != DriftTraces.Static)
        {
            report = Simulate(settings, cell.Parameters, cell.Parameters["trace"], cell.Parameters["allocation"], report.TotalSeconds);
        }

        return new Dictionary<string, double>
        {
            ["seconds"] = report.TotalSeconds,
            ["bubble_share"] = report.Lanes.First(l => l.Kind == "trainer").BubbleShare,
            ["layer_changes"] = report.LayerChanges,
            ["exactly_once"] = report.Coverage.ExactlyOnce ? 1 : 0,
        };
    }

    /// <inheritdoc/>
    public void Draw(string folder, IReadOnlyList<ExperimentRow> rows) => DriftTraces.Draw(folder, rows, "simulated, mean of three seeds");

    private static SimulationReport Simulate(Settings settings, IReadOnlyDictionary<string, string> parameters, string trace, string way, double steadySeconds)
    {
        var shape = HuggingFaceModel.Open(settings.Model.Path, settings.Model.Compute).Shape;
        var cut = settings.Model.Cut ?? shape.Layers / 2;
        var seed = long.Parse(parameters["seed"], CultureInfo.InvariantCulture);
        var trainer = new TrainerSpec(TaskKind.Classification, 2, cut, settings.Lora, 0, 0, seed);
        var policy = BuiltInPolicies.Find(parameters["policy"], settings.Allocation.Manual)!;
        var every = (settings.Allocation.Interval ?? TimeSpan.FromSeconds(5)).TotalSeconds;
        return FleetSimulator.Run(new FleetSpec(
            [.. DriftTraces.GigaFlops.Select((g, i) => new SimulatedNode($"node-{i}", g * 1e9, LinkBytes, 0.02, null, Changes(trace, i, g * 1e9, steadySeconds)))],
            Devices(seed), new SimulatedServer(ServerFlops, 1, SharesCompute: false, 1e-3), new ModelCosts(shape, trainer, 1, settings.Channel.Codec), cut,
            settings.Training with { Epochs = Epochs, Seed = seed }, settings.Pipeline, settings.Channel.Credits,
            new AllocationPlan(policy, settings.Allocation, way == DriftTraces.Static ? null : every), new FaultSpec([], null, settings.Device.LostAfter.TotalSeconds)));
    }

    private static IReadOnlyList<SimulatedDevice> Devices(long seed)
    {
        var from = new ProfileDistributions(
            Distribution.Constant(1), Distribution.Constant(1), Distribution.Constant(0), null, Distribution.Parse("samples", "lognormal:1:0.3"),
            Distribution.Parse("length", $"lognormal:{Length}:0.4"));
        var nodes = DriftTraces.GigaFlops.Select((_, i) => new SimulatedNode(SharedDevices.Id(i).Value, 1, 1, 0, null, [])).ToList();
        return FleetDraw.Devices(nodes, Samples, from, 4 * Length, seed);
    }

    private static IReadOnlyList<RateChange> Changes(string trace, int node, double rate, double steadySeconds)
    {
        (double From, double To)? slow = trace switch
        {
            DriftTraces.Drifting when node == 0 => (0.2, 0.6),
            DriftTraces.InTurn => (0.02 + (node * 0.24), 0.02 + ((node + 1) * 0.24)),
            _ => null,
        };
        return slow is var (from, to)
            ? [new RateChange(from * steadySeconds, rate / 3, LinkBytes), new RateChange(to * steadySeconds, rate, LinkBytes)] : [];
    }
}
