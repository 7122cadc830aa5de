using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Sampling;
using SplitFrozen.Domain.Scheduling;
using SplitFrozen.Protocol;

namespace SplitFrozen.Domain.Pipeline;

/// <summary>A device and how many samples it has.</summary>
public readonly record struct RosterEntry(DeviceId Device, int Samples);

/// <summary>
/// The sampling plans of a run's epochs and the learning rate over its steps. The plan of an epoch is drawn when it is first asked for, over
/// the devices that take part then, sorted by id; asked in order, and the same for every method that trains on the same data.
/// </summary>
public sealed class RunPlan
{
    private readonly TrainingSettings _training;
    private readonly int _grantBatches;
    private readonly Func<IReadOnlyList<RosterEntry>> _roster;
    private readonly SortedDictionary<int, OpenEpoch> _open = [];
    private int _drawn;
    private int _stepsDrawn;
    private int _lastSteps;
    private long _samplesDrawn;
    private int _lastSamples;

    /// <summary>A plan without epochs drawn.</summary>
    /// <param name="training">Epochs, sizes, seed and learning rate.</param>
    /// <param name="grantBatches">Global batches of a grant.</param>
    /// <param name="roster">The devices that take part from the next epoch on, in any order.</param>
    public RunPlan(TrainingSettings training, int grantBatches, Func<IReadOnlyList<RosterEntry>> roster) =>
        (_training, _grantBatches, _roster) = (training, grantBatches, roster);

    /// <summary>The plan of a run that is resumed: epochs drawn before are drawn again over the devices of then.</summary>
    /// <param name="training">Epochs, sizes, seed and learning rate.</param>
    /// <param name="grantBatches">Global batches of a grant.</param>
    /// <param name="roster">The devices that take part from the next epoch on, in any order.</param>
    /// <param name="state">What <see cref="State"/> told.</param>
    public RunPlan(TrainingSettings training, int grantBatches, Func<IReadOnlyList<RosterEntry>> roster, RunPlanState state)
        : this(training, grantBatches, roster)
    {
        (_drawn, _stepsDrawn, _lastSteps, _samplesDrawn, _lastSamples) = (state.Drawn, state.StepsDrawn, state.LastSteps, state.SamplesDrawn, state.LastSamples);
        foreach (var epoch in state.Open)
        {
            _open[epoch.Epoch] = Entry(epoch.Epoch, [.. epoch.Devices.Select(d => new RosterEntry(new DeviceId(d.Id), d.Samples))]);
        }
    }

    /// <summary>Raised when an epoch is drawn, with the device ids in the order of the plan's ordinals.</summary>
    public event Action<EpochPlan, DeviceId[]>? Drawn;

    /// <summary>Epochs drawn, with the one that is just being drawn.</summary>
    public int EpochsDrawn => _drawn;

    /// <summary>Samples of all epochs, those not yet drawn counted as large as the last one drawn.</summary>
    public long SamplesExpected => _samplesDrawn + ((long)(_training.Epochs - _drawn) * _lastSamples);

    /// <summary>Steps of all epochs, counted likewise.</summary>
    public int TotalSteps => _stepsDrawn + ((_training.Epochs - _drawn) * _lastSteps);

    /// <summary>The plan of an epoch.</summary>
    public EpochPlan For(int epoch) => Entry(epoch).Plan;

    /// <summary>The devices of an epoch in the order of the plan's ordinals.</summary>
    public IReadOnlyList<DeviceId> Roster(int epoch) => Entry(epoch).Roster;

    /// <summary>The learning rate of a step of the run, from 0.</summary>
    public double LearningRate(int step) =>
        new LearningRateSchedule(_training.LearningRate, _training.Warmup, _training.Decay, TotalSteps).At(step);

    /// <summary>The epochs that are drawn and not trained whole.</summary>
    public IReadOnlyCollection<int> OpenEpochs => _open.Keys;

    /// <summary>What a checkpoint keeps.</summary>
    public RunPlanState State => new(
        _drawn, _stepsDrawn, _lastSteps, _samplesDrawn, _lastSamples,
        [.. _open.Select(e => new DrawnEpoch(e.Key, [.. e.Value.Counts.Select(r => new DrawnDevice(r.Device.Value, r.Samples))]))]);

    /// <summary>Forgets an epoch that is trained.</summary>
    public void Close(int epoch) => _open.Remove(epoch);

    private OpenEpoch Entry(int epoch)
    {
        while (_drawn <= epoch)
        {
            Draw(_drawn++);
        }

        return _open[epoch];
    }

    private void Draw(int epoch)
    {
        var drawn = Entry(epoch, _roster().OrderBy(r => r.Device).ToList());
        _open[epoch] = drawn;
        _stepsDrawn += drawn.Plan.Batches;
        _lastSteps = drawn.Plan.Batches;
        _samplesDrawn += drawn.Plan.Samples;
        _lastSamples = drawn.Plan.Samples;
        Drawn?.Invoke(drawn.Plan, drawn.Roster);
    }

    private OpenEpoch Entry(int epoch, List<RosterEntry> roster) => new(
        EpochPlan.Create(
            _training.Seed, epoch, roster.ConvertAll(r => r.Samples), _training.BatchSize, _training.MicroBatchSize, _grantBatches, _training.Order),
        [.. roster.Select(r => r.Device)], roster);

    private sealed record OpenEpoch(EpochPlan Plan, DeviceId[] Roster, IReadOnlyList<RosterEntry> Counts);
}

/// <summary>The epochs of a run as a checkpoint keeps them.</summary>
/// <param name="Drawn">Epochs drawn.</param>
/// <param name="StepsDrawn">Their steps.</param>
/// <param name="LastSteps">Steps of the one drawn last.</param>
/// <param name="SamplesDrawn">Samples of all drawn.</param>
/// <param name="LastSamples">Samples of the one drawn last.</param>
/// <param name="Open">Those that are not trained whole.</param>
public sealed record RunPlanState(int Drawn, int StepsDrawn, int LastSteps, long SamplesDrawn, int LastSamples, IReadOnlyList<DrawnEpoch> Open)
{
    /// <summary>Nothing drawn.</summary>
    public static RunPlanState Start { get; } = new(0, 0, 0, 0, 0, []);
}

/// <summary>An epoch that was drawn.</summary>
/// <param name="Epoch">Which.</param>
/// <param name="Devices">The devices that it was drawn over, in the order of the plan's ordinals.</param>
public sealed record DrawnEpoch(int Epoch, IReadOnlyList<DrawnDevice> Devices);

/// <summary>A device of an epoch that was drawn.</summary>
public sealed record DrawnDevice(string Id, int Samples);
