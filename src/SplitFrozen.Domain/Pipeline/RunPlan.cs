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
    private readonly Dictionary<int, (EpochPlan Plan, DeviceId[] Roster)> _open = [];
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

    /// <summary>Raised when an epoch is drawn, with the device ids in the order of the plan's ordinals.</summary>
    public event Action<EpochPlan, DeviceId[]>? Drawn;

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

    /// <summary>Forgets an epoch that is trained.</summary>
    public void Close(int epoch) => _open.Remove(epoch);

    private (EpochPlan Plan, DeviceId[] Roster) Entry(int epoch)
    {
        while (_drawn <= epoch)
        {
            Draw(_drawn++);
        }

        return _open[epoch];
    }

    private void Draw(int epoch)
    {
        var roster = _roster().OrderBy(r => r.Device).ToList();
        var plan = EpochPlan.Create(
            _training.Seed, epoch, roster.ConvertAll(r => r.Samples), _training.BatchSize, _training.MicroBatchSize, _grantBatches, _training.Order);
        var ids = roster.Select(r => r.Device).ToArray();
        _open[epoch] = (plan, ids);
        _stepsDrawn += plan.Batches;
        _lastSteps = plan.Batches;
        _samplesDrawn += plan.Samples;
        _lastSamples = plan.Samples;
        Drawn?.Invoke(plan, ids);
    }
}
