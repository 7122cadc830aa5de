using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Sampling;
using SplitFrozen.Protocol;

namespace SplitFrozen.Methods;

/// <summary>What decides the order in which a device trains its samples alone.</summary>
/// <param name="Seed">The run's seed.</param>
/// <param name="BatchSize">Samples of a batch.</param>
/// <param name="MicroBatchSize">Samples of a micro-batch.</param>
/// <param name="Order">How an epoch's samples are put into order.</param>
public sealed record LocalOrder(long Seed, int BatchSize, int MicroBatchSize, SampleOrder Order)
{
    /// <summary>That of a configuration.</summary>
    public static LocalOrder Of(TrainingSettings training) => new(training.Seed, training.BatchSize, training.MicroBatchSize, training.Order);
}

/// <summary>
/// The order in which a device trains its samples alone, by their numbers: in each epoch the plan of a run that has no other device, so that equal data is
/// trained in equal order, and one device's order is that of the centralised loop. The server knows no more of a device than this.
/// </summary>
/// <param name="id">The device.</param>
/// <param name="samples">How many samples it has, at least one.</param>
/// <param name="order">Sizes and seed.</param>
public class LocalPlan(DeviceId id, int samples, LocalOrder order)
{
    private EpochPlan? _plan;

    /// <summary>The device.</summary>
    public DeviceId Id => id;

    /// <summary>How many samples it has.</summary>
    public int Samples => samples;

    /// <summary>Batches of one pass over them.</summary>
    public int BatchesPerEpoch => EpochPlan.StepsPerEpoch(samples, order.BatchSize);

    /// <summary>The micro-batches of a batch.</summary>
    /// <param name="batch">Counted over all passes, from 0.</param>
    public IReadOnlyList<IReadOnlyList<int>> MicroBatches(int batch)
    {
        var (epoch, place) = (batch / BatchesPerEpoch, batch % BatchesPerEpoch);
        // The run's thread and the server's actor may both ask.
        var plan = _plan;
        if (plan?.Epoch != epoch)
        {
            _plan = plan = EpochPlan.Create(order.Seed, epoch, [samples], order.BatchSize, order.MicroBatchSize, grantBatches: 1, order.Order);
        }

        return [.. Enumerable.Range(0, plan.MicroBatches(place)).Select(m => plan.MicroBatch(place, m).ToArray().Select(s => s.Index).ToArray())];
    }

    /// <summary>Samples of a batch.</summary>
    /// <param name="batch">Counted over all passes, from 0.</param>
    public int BatchSamples(int batch) => Math.Min(order.BatchSize, samples - (batch % BatchesPerEpoch * order.BatchSize));
}
