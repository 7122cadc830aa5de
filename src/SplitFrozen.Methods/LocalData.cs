using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Sampling;
using SplitFrozen.Protocol;

namespace SplitFrozen.Methods;

/// <summary>
/// A device's samples in the order in which it trains them alone: in each epoch the plan of a run that has no other device, so that equal data is
/// trained in equal order, and one device's order is that of the centralised loop.
/// </summary>
/// <param name="id">The device.</param>
/// <param name="samples">Its samples, at least one.</param>
/// <param name="training">Sizes and seed.</param>
/// <param name="grantBatches">Batches of a grant; leaves no trace.</param>
public sealed class LocalData(DeviceId id, IReadOnlyList<EncodedSample> samples, TrainingSettings training, int grantBatches)
{
    private EpochPlan? _plan;

    /// <summary>The device.</summary>
    public DeviceId Id => id;

    /// <summary>How many samples it has.</summary>
    public int Samples => samples.Count;

    /// <summary>Batches of one pass over them.</summary>
    public int BatchesPerEpoch => EpochPlan.StepsPerEpoch(samples.Count, training.BatchSize);

    /// <summary>The micro-batches of a batch.</summary>
    /// <param name="batch">Counted over all passes, from 0.</param>
    public IReadOnlyList<IReadOnlyList<int>> MicroBatches(int batch)
    {
        var (epoch, place) = (batch / BatchesPerEpoch, batch % BatchesPerEpoch);
        if (_plan?.Epoch != epoch)
        {
            _plan = EpochPlan.Create(
                training.Seed, epoch, [samples.Count], training.BatchSize, training.MicroBatchSize, grantBatches, training.Order);
        }

        var plan = _plan;
        return [.. Enumerable.Range(0, plan.MicroBatches(place)).Select(m => plan.MicroBatch(place, m).ToArray().Select(s => s.Index).ToArray())];
    }

    /// <summary>Samples of a batch.</summary>
    /// <param name="batch">Counted over all passes, from 0.</param>
    public int BatchSamples(int batch) => Math.Min(training.BatchSize, samples.Count - (batch % BatchesPerEpoch * training.BatchSize));

    /// <summary>Tokens of each of some samples.</summary>
    public int[] Lengths(IReadOnlyList<int> indices) => [.. indices.Select(i => samples[i].Tokens.Length)];

    /// <summary>How many rows of some samples have a target.</summary>
    public int TargetRows(IReadOnlyList<int> indices) => indices.Sum(i => samples[i].Targets.Count(t => t != Target.Ignored));

    /// <summary>Some samples, embedded: rows at depth 0.</summary>
    /// <param name="embeddings">Holds the embeddings.</param>
    /// <param name="indices">Which samples.</param>
    public ActivationBatch Embed(IFrozenBlocks embeddings, IReadOnlyList<int> indices)
    {
        var chosen = indices.Select(i => samples[i]).ToList();
        int[] lengths = [.. chosen.Select(s => s.Tokens.Length)];
        var rows = new float[lengths.Sum() * embeddings.Width];
        embeddings.Embed(chosen.SelectMany(s => s.Tokens).ToArray(), lengths, 0, rows);
        return new ActivationBatch(rows, lengths, [.. chosen.SelectMany(s => s.Targets)], [.. indices.Select(i => SampleKey.Of(id, i))]);
    }
}
