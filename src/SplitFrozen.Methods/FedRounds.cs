using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Sampling;

namespace SplitFrozen.Methods;

/// <summary>Who takes part in which round of federated training, and how long it trains: a pure function of settings, seed and sizes.</summary>
/// <param name="settings">The method's settings.</param>
/// <param name="training">Epochs and seed.</param>
/// <param name="devices">The devices.</param>
public sealed class FedRounds(FedLoraSettings settings, TrainingSettings training, IReadOnlyList<LocalData> devices)
{
    /// <summary>Rounds of the run. With steps instead of passes, as many as make about as many passes over all data.</summary>
    public int Count { get; } = settings.Rounds ?? (settings.LocalSteps is { } steps
        ? (int)Math.Ceiling((double)training.Epochs * devices.Sum(d => d.BatchesPerEpoch) / devices.Count / steps)
        : EpochPlan.StepsPerEpoch(training.Epochs, settings.LocalEpochs));

    /// <summary>Steps of a device in a round.</summary>
    public int Steps(LocalData device) => settings.LocalSteps ?? (settings.LocalEpochs * device.BatchesPerEpoch);

    /// <summary>The devices that are sent the average in a round.</summary>
    public IReadOnlyList<LocalData> Drawn(int round)
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
    public IReadOnlyList<LocalData> Returning(int round)
    {
        var random = SeededRandom.For(training.Seed, "device dropout", round);
        return [.. Drawn(round).Where(_ => random.NextDouble() >= settings.DropoutRate)];
    }
}
