using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Sampling;
using SplitFrozen.Protocol;

namespace SplitFrozen.Methods;

/// <summary>A device's samples, and the order in which it trains them alone.</summary>
/// <param name="id">The device.</param>
/// <param name="samples">Its samples, at least one.</param>
/// <param name="order">Sizes and seed.</param>
public sealed class LocalData(DeviceId id, IReadOnlyList<EncodedSample> samples, LocalOrder order) : LocalPlan(id, samples.Count, order)
{
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
        return new ActivationBatch(rows, lengths, [.. chosen.SelectMany(s => s.Targets)], [.. indices.Select(i => SampleKey.Of(Id, i))]);
    }
}
