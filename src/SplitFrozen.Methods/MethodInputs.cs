using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Protocol;

namespace SplitFrozen.Methods;

/// <summary>What a method with training devices is run on.</summary>
/// <param name="Settings">The configuration.</param>
/// <param name="Model">The model folder.</param>
/// <param name="Trainer">What is trained: all blocks, so its cut is 0.</param>
/// <param name="Task">What is learned.</param>
/// <param name="Devices">The samples of each device; none where the devices are elsewhere.</param>
/// <param name="Sets">The held-out sets. Where there is nothing to validate on, the evaluation set is scored after each round.</param>
/// <param name="Paths">Where to write.</param>
/// <param name="Observer">Told what happens.</param>
/// <param name="Trace">Gets every operation, or null.</param>
public sealed record MethodInputs(
    Settings Settings, IModelSource Model, TrainerSpec Trainer, TaskKind Task, IReadOnlyDictionary<DeviceId, IReadOnlyList<EncodedSample>> Devices,
    HeldOutSets Sets, RunPaths Paths, IRunObserver Observer, RunTrace? Trace = null)
{
    /// <summary>Devices with samples, in the order of their ids.</summary>
    public IReadOnlyList<LocalData> LocalData { get; } =
        [.. Devices.Where(d => d.Value.Count > 0).OrderBy(d => d.Key).Select(d => new LocalData(d.Key, d.Value, LocalOrder.Of(Settings.Training)))];
}
