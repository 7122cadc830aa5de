using SplitFrozen.Domain.Allocation;

namespace SplitFrozen.Domain.Control;

/// <summary>How a running cluster's layers came about, and what they take.</summary>
/// <param name="Policy">The policy's name.</param>
/// <param name="Epoch">The allocation epoch.</param>
/// <param name="IsPaused">Whether changes are held back.</param>
/// <param name="Cut">The frozen line C.</param>
/// <param name="TokensPerSample">Mean tokens of a sample.</param>
/// <param name="ServerLayerTokensPerSecond">The server's rate through one frozen block, or null where it is not measured.</param>
/// <param name="TrainingSecondsPerToken">Seconds that the server trains for a token.</param>
/// <param name="ServerSeconds">Predicted seconds an epoch that the server computes.</param>
/// <param name="SlowestSeconds">Predicted seconds an epoch of the slowest stage.</param>
/// <param name="Bottleneck">That stage.</param>
/// <param name="Devices">Each device.</param>
/// <param name="Postponed">Changes that are held back.</param>
/// <param name="Policies">What each policy would give on the same input.</param>
public sealed record AllocationReport(
    string Policy, int Epoch, bool IsPaused, int Cut, double TokensPerSample, double? ServerLayerTokensPerSecond, double TrainingSecondsPerToken,
    double ServerSeconds, double SlowestSeconds, string Bottleneck, IReadOnlyList<DeviceReport> Devices, IReadOnlyList<PostponedReport> Postponed,
    IReadOnlyList<PolicyReport> Policies)
{
    /// <summary>The report of an allocator's state.</summary>
    /// <param name="state">The state.</param>
    /// <param name="achieved">Seconds an epoch that each device has taken so far, by id; those that ran nothing are left out.</param>
    public static AllocationReport Of(AllocationState state, IReadOnlyDictionary<string, double> achieved)
    {
        var input = state.Input;
        var measures = input.Devices.ToDictionary(d => d.Device);
        return new AllocationReport(
            state.Decision.Policy, state.Epoch.Value, state.IsPaused, input.Cut, input.Sizes.TokensPerSample, input.Server.LayerTokensPerSecond,
            input.Server.TrainingSecondsPerToken, state.Decision.ServerSeconds, state.Decision.SlowestSeconds, state.Decision.Bottleneck,
            [.. state.Decision.Devices.Select(d => DeviceReport.Of(d, measures[d.Device], achieved, state.Overrides.ContainsKey(d.Device)))],
            [.. state.Postponed.Select(p => new PostponedReport(p.Device.Value, p.Layers, p.Wanted, p.Why))],
            [.. state.Alternatives.Select(a => new PolicyReport(
                a.Policy, a.SlowestSeconds, a.Bottleneck, a.Devices.ToDictionary(d => d.Device.Value, d => d.Layers)))]);
    }
}

/// <summary>A device's inputs, layers and times.</summary>
/// <param name="Device">Its id.</param>
/// <param name="Node">Its node.</param>
/// <param name="LayerTokensPerSecond">Tokens a second through one block.</param>
/// <param name="LinkBytesPerSecond">Bytes a second to the server, or null.</param>
/// <param name="FreeMemoryBytes">Memory that it may still use, or null.</param>
/// <param name="QueueLength">Units granted and not begun.</param>
/// <param name="Samples">Its samples.</param>
/// <param name="Layers">Its layers.</param>
/// <param name="Reason">Why.</param>
/// <param name="IsSet">Whether an operator set them.</param>
/// <param name="PredictedSeconds">Predicted seconds an epoch.</param>
/// <param name="AchievedSeconds">Seconds an epoch that it has taken so far, or null where it ran nothing.</param>
/// <param name="Alternatives">Other counts.</param>
public sealed record DeviceReport(
    string Device, string Node, double LayerTokensPerSecond, double? LinkBytesPerSecond, long? FreeMemoryBytes, int QueueLength, long Samples, int Layers,
    string Reason, bool IsSet, double PredictedSeconds, double? AchievedSeconds, IReadOnlyList<LayerAlternative> Alternatives)
{
    internal static DeviceReport Of(DeviceDecision decision, DeviceMeasure measure, IReadOnlyDictionary<string, double> achieved, bool isSet) => new(
        decision.Device.Value, measure.Node, measure.LayerTokensPerSecond, measure.LinkBytesPerSecond, measure.FreeMemoryBytes, measure.QueueLength, measure.Samples,
        decision.Layers, decision.Reason, isSet, decision.PredictedSeconds, achieved.TryGetValue(decision.Device.Value, out var seconds) ? seconds : null, decision.Alternatives);
}

/// <summary>A change that is held back.</summary>
public sealed record PostponedReport(string Device, int Layers, int Wanted, string Why);

/// <summary>What a policy would give.</summary>
public sealed record PolicyReport(string Policy, double SlowestSeconds, string Bottleneck, IReadOnlyDictionary<string, int> Layers);

/// <summary>Layers were set, or would be.</summary>
/// <param name="Device">The device.</param>
/// <param name="Before">Its layers before.</param>
/// <param name="Layers">Its layers now.</param>
/// <param name="IsDryRun">Whether nothing was changed.</param>
/// <param name="PredictedSeconds">Predicted seconds an epoch of the device.</param>
/// <param name="SlowestSeconds">Predicted seconds an epoch of the slowest stage.</param>
/// <param name="Bottleneck">That stage.</param>
public sealed record SetReport(
    string Device, int Before, int Layers, bool IsDryRun, double PredictedSeconds, double SlowestSeconds, string Bottleneck);

/// <summary>A node was told to leave.</summary>
/// <param name="Node">The node.</param>
/// <param name="Devices">Devices on it.</param>
/// <param name="Pinned">Those of them whose data lives on that node only.</param>
public sealed record DrainReport(string Node, IReadOnlyList<string> Devices, IReadOnlyList<string> Pinned);
