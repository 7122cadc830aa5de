using SplitFrozen.Domain;
using SplitFrozen.Domain.Allocation;
using SplitFrozen.Domain.Codecs;
using SplitFrozen.Domain.Costs;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Protocol;

namespace SplitFrozen.Cli.Allocation;

/// <summary>How a finished run's layers came about, and whether the times came as predicted.</summary>
/// <param name="Run">The run's folder.</param>
/// <param name="Cut">The frozen line C.</param>
/// <param name="TokensPerSample">Mean tokens of a sample, from what devices computed.</param>
/// <param name="ServerLayerTokensPerSecond">The server's rate, from its catch-up; null where every device ran all layers.</param>
/// <param name="AchievedCatchUpSeconds">Seconds an epoch of catch-up, which runs beside training.</param>
/// <param name="AchievedTrainingSeconds">Seconds an epoch of F, B and W.</param>
/// <param name="Devices">Inputs and achieved times.</param>
/// <param name="Decision">What the run had, predicted.</param>
/// <param name="Policies">What each policy would have given on the same inputs.</param>
internal sealed record RunExplanation(
    string Run, int Cut, double TokensPerSample, double? ServerLayerTokensPerSecond, double AchievedCatchUpSeconds, double AchievedTrainingSeconds,
    IReadOnlyList<ExplainedDevice> Devices, AllocationDecision Decision, IReadOnlyList<PolicyOutcome> Policies)
{
    /// <summary>Tokens of the batch with which a device measures its capacity; rates are of sequences of that length.</summary>
    private const int ProbeLength = 32;

    /// <summary>Explains a run.</summary>
    /// <param name="run">The run.</param>
    /// <param name="shape">Its model.</param>
    public static RunExplanation Of(RunRecord run, ModelShape shape)
    {
        var summary = run.Summary;
        if (summary.Devices.Count == 0)
        {
            throw new UserErrorException($"{run.Folder} is a run of method {summary.Method}, which has no devices; there is no allocation to explain.");
        }

        var work = Work.Of(summary, shape);
        var reported = TraceReader.Read(run.Metrics).GroupBy(o => o.Device).ToDictionary(g => g.Key, g => g.Last());
        var input = Input(run, shape, work, reported);
        var had = summary.Devices.Select(d => new LayerAssignment(new DeviceId(d.Id), d.Layers, d.Reason)).ToList();
        var decision = Allocator.Explain(run.Settings.Allocation.Policy, input, had);
        return new RunExplanation(
            run.Folder, summary.Cut, work.TokensPerSample, work.ServerRate, work.CatchUpSeconds, work.TrainingSeconds,
            [.. summary.Devices.Zip(input.Devices, (d, m) => new ExplainedDevice(
                d.Id, d.Node, d.Layers, m.LayerTokensPerSecond, m.FreeMemoryBytes, d.Samples, decision.Devices.First(e => e.Device.Value == d.Id).PredictedSeconds,
                d.Forwarded == 0 ? null : d.BusySeconds * d.Samples / d.Forwarded))],
            decision, [.. BuiltInPolicies.Names.Select(name => PolicyOutcome.Of(BuiltInPolicies.Find(name, run.Settings.Allocation.Manual)!, input))]);
    }

    private static AllocationInput Input(RunRecord run, ModelShape shape, Work work, Dictionary<DeviceId, CapacityObservation> reported) => new(
        run.Summary.Cut, Math.Min(run.Settings.Allocation.Min, run.Summary.Cut),
        new WorkSizes(work.TokensPerSample, RowCodec.RowBytes(run.Settings.Channel.Codec, shape.Width), (long)MemoryCosts.BlockWeights(shape, sizeof(float))),
        new ServerMeasure(work.ServerRate, work.TrainingSecondsPerToken, SharesCompute: false),
        [.. run.Summary.Devices.Select(d => reported.TryGetValue(new DeviceId(d.Id), out var last)
            ? new DeviceMeasure(last.Device, d.Node, last.LayerTokensPerSecond, last.LinkBytesPerSecond, last.FreeMemoryBytes, last.QueueLength, null, d.Samples)
            : throw new UserErrorException($"{run.Metrics} does not say what device {d.Id} measured; the file is not of this run."))]);

    /// <summary>What was computed, from totals of the summary.</summary>
    private sealed record Work(double TokensPerSample, double? ServerRate, double CatchUpSeconds, double TrainingSeconds, double TrainingSecondsPerToken)
    {
        public static Work Of(RunSummary summary, ModelShape shape)
        {
            var perToken = LayerCosts.BlockForwardPerToken(shape, ProbeLength);
            var tokens = summary.Devices.Where(d => d.Layers > 0).Sum(d => d.Flops / (d.Layers * perToken));
            var caughtUp = summary.Devices.Where(d => d.Layers > 0).Sum(d => (summary.Cut - d.Layers) * d.Flops / (d.Layers * perToken));
            var perSample = tokens / Math.Max(1, summary.Devices.Sum(d => d.Forwarded));
            var stages = summary.StageSeconds;
            var training = stages.Forward + stages.BackwardInput + stages.BackwardWeights;
            var epochs = (double)summary.SamplesTrained / Math.Max(1, summary.Devices.Sum(d => (long)d.Samples));
            return new Work(
                perSample, stages.CatchUp > 0 && caughtUp > 0 ? caughtUp / stages.CatchUp : null, epochs > 0 ? stages.CatchUp / epochs : 0, epochs > 0 ? training / epochs : 0,
                summary.SamplesTrained > 0 && perSample > 0 ? training / (summary.SamplesTrained * perSample) : 0);
        }
    }
}

/// <summary>A device's inputs and times.</summary>
/// <param name="Device">Its id.</param>
/// <param name="Node">Its node.</param>
/// <param name="Layers">Its layers at the end.</param>
/// <param name="LayerTokensPerSecond">What it measured last.</param>
/// <param name="FreeMemoryBytes">Memory it had left, in bytes.</param>
/// <param name="Samples">Its samples.</param>
/// <param name="PredictedSeconds">Seconds an epoch by its capacity.</param>
/// <param name="AchievedSeconds">Seconds an epoch that it was busy, or null where it ran nothing.</param>
internal sealed record ExplainedDevice(
    string Device, string Node, int Layers, double LayerTokensPerSecond, long? FreeMemoryBytes, int Samples, double PredictedSeconds, double? AchievedSeconds);

/// <summary>What a policy would have given.</summary>
/// <param name="Policy">Its name.</param>
/// <param name="SlowestSeconds">Predicted seconds an epoch of the slowest stage.</param>
/// <param name="Bottleneck">That stage.</param>
/// <param name="Layers">Layers by device.</param>
internal sealed record PolicyOutcome(string Policy, double SlowestSeconds, string Bottleneck, IReadOnlyDictionary<string, int> Layers)
{
    /// <summary>Asks a policy.</summary>
    public static PolicyOutcome Of(IAllocationPolicy policy, AllocationInput input)
    {
        var decision = Allocator.Explain(policy.Name, input, Allocator.Decide(policy, input));
        return new PolicyOutcome(policy.Name, decision.SlowestSeconds, decision.Bottleneck, decision.Devices.ToDictionary(d => d.Device.Value, d => d.Layers));
    }
}
