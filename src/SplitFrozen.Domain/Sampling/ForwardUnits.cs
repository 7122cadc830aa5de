namespace SplitFrozen.Domain.Sampling;

/// <summary>Cuts a device's samples of one grant into forward units: what blocks run on together. The same on every node, since the bits of a result depend on it.</summary>
public static class ForwardUnits
{
    /// <summary>Cuts in order; a unit ends before the sample that would exceed the budget. Each unit has at least one sample.</summary>
    /// <param name="lengths">Tokens of each sample.</param>
    /// <param name="tokenBudget">Largest sum of tokens of a unit of more than one sample, at least 1.</param>
    public static IReadOnlyList<Range> Cut(IReadOnlyList<int> lengths, int tokenBudget)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(tokenBudget, 1);
        var units = new List<Range>();
        var (start, tokens) = (0, 0L);
        for (var i = 0; i < lengths.Count; i++)
        {
            if (i > start && tokens + lengths[i] > tokenBudget)
            {
                units.Add(start..i);
                (start, tokens) = (i, 0);
            }

            tokens += lengths[i];
        }

        if (start < lengths.Count)
        {
            units.Add(start..lengths.Count);
        }

        return units;
    }
}
