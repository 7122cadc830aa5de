using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Sampling;
using SplitFrozen.Domain.Scheduling;

namespace SplitFrozen.Methods;

/// <summary>Who takes part in which round of federated training, and how long it trains: a pure function of settings, seed and sizes.</summary>
/// <typeparam name="TDevice">What is known of a device.</typeparam>
/// <param name="settings">The method's settings.</param>
/// <param name="training">Epochs and seed.</param>
/// <param name="devices">The devices.</param>
public sealed class FedRounds<TDevice>(FedLoraSettings settings, TrainingSettings training, IReadOnlyList<TDevice> devices) where TDevice : LocalPlan
{
    /// <summary>Rounds of the run. With steps instead of passes, as many as make about as many passes over all data.</summary>
    public int Count { get; } = settings.Rounds ?? (settings.LocalSteps is { } steps
        ? (int)Math.Ceiling((double)training.Epochs * devices.Sum(d => d.BatchesPerEpoch) / devices.Count / steps)
        : EpochPlan.StepsPerEpoch(training.Epochs, settings.LocalEpochs));

    /// <summary>Steps of a device in a round.</summary>
    public int Steps(LocalPlan device) => settings.LocalSteps ?? (settings.LocalEpochs * device.BatchesPerEpoch);

    /// <summary>Learning rates of a device's steps in a round: that of a step is that of its place in all rounds.</summary>
    public double[] Rates(LocalPlan device, int round)
    {
        var steps = Steps(device);
        var schedule = new LearningRateSchedule(settings.LearningRate ?? training.LearningRate, training.Warmup, training.Decay, Count * steps);
        return [.. Enumerable.Range(round * steps, steps).Select(schedule.At)];
    }

    /// <summary>The devices that are sent the average in a round.</summary>
    public IReadOnlyList<TDevice> Drawn(int round)
    {
        var count = Math.Max(1, (int)Math.Round(settings.Participation * devices.Count, MidpointRounding.AwayFromZero));
        if (count == devices.Count)
        {
            return devices;
        }

        var order = Enumerable.Range(0, devices.Count).ToArray();
        SeededRandom.For(training.Seed, "participation", round).Shuffle(order.AsSpan());
        return [.. order.Take(count).Order().Select(i => devices[i])];
    }

    /// <summary>Those of the drawn devices whose adapters arrive; may be none.</summary>
    public IReadOnlyList<TDevice> Returning(int round)
    {
        var random = SeededRandom.For(training.Seed, "device dropout", round);
        return [.. Drawn(round).Where(_ => random.NextDouble() >= settings.DropoutRate)];
    }
}
