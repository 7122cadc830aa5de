using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Sampling;

namespace SplitFrozen.Domain.Models;

/// <summary>Scores held-out samples: once to the frozen line, then as often as the trained layers change.</summary>
public static class Evaluator
{
    /// <summary>Runs samples through the frozen blocks, in forward units as devices do, so that equal samples give equal bits everywhere.</summary>
    /// <param name="frozen">Holds at least blocks [0, <paramref name="cut"/>).</param>
    /// <param name="samples">In the order in which they are scored.</param>
    /// <param name="cut">The frozen line C.</param>
    /// <param name="unitTokens">Token budget of a unit.</param>
    /// <returns>One batch a unit, at depth C: [T, D] float32 each, that is 4 · T · D bytes.</returns>
    public static IReadOnlyList<ActivationBatch> Freeze(IFrozenBlocks frozen, IReadOnlyList<EncodedSample> samples, int cut, int unitTokens)
    {
        var lengths = samples.Select(s => s.Tokens.Length).ToArray();
        return [.. ForwardUnits.Cut(lengths, unitTokens).Select(unit => FreezeUnit(frozen, [.. samples.Take(unit)], lengths[unit], cut))];
    }

    /// <summary>Scores what <see cref="Freeze"/> gave, unit by unit in the same order: sums over all targets.</summary>
    public static TargetScore Score(ITrainerStage stage, IReadOnlyList<ActivationBatch> frozenSet) =>
        frozenSet.Aggregate(default(TargetScore), (sum, batch) => sum + stage.Evaluate(batch));

    private static ActivationBatch FreezeUnit(IFrozenBlocks frozen, IReadOnlyList<EncodedSample> samples, int[] lengths, int cut)
    {
        var tokens = samples.SelectMany(s => s.Tokens).ToArray();
        var targets = samples.SelectMany(s => s.Targets).ToArray();
        var values = new float[(long)tokens.Length * frozen.Width];
        frozen.Embed(tokens, lengths, cut, values);

        // Keys seed dropout, which scoring does not have.
        return new ActivationBatch(values, lengths, targets, new long[lengths.Length]);
    }
}
