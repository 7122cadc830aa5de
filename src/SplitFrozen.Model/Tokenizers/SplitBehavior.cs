namespace SplitFrozen.Model.Tokenizers;

/// <summary>What becomes of the parts that a splitting pattern matched.</summary>
internal enum SplitBehavior
{
    /// <summary>Each match is a part of its own.</summary>
    Isolated,

    /// <summary>Matches are dropped.</summary>
    Removed,

    /// <summary>Neighbouring matches are one part.</summary>
    Contiguous,

    /// <summary>A match ends the part before it.</summary>
    MergedWithPrevious,

    /// <summary>A match begins the part after it.</summary>
    MergedWithNext,
}

/// <summary>Applies a <see cref="SplitBehavior"/>.</summary>
internal static class SplitBehaviors
{
    /// <summary>The parts that remain, in order.</summary>
    /// <param name="behavior">What becomes of matches.</param>
    /// <param name="spans">The text in order, cut into matches and what lies between them.</param>
    /// <param name="invert">Whether what the pattern did not match counts as the match.</param>
    public static List<TextSpan> Apply(this SplitBehavior behavior, IReadOnlyList<TextSpan> spans, bool invert)
    {
        var parts = new List<TextSpan>();
        foreach (var span in spans)
        {
            var part = span with { IsMatch = span.IsMatch != invert };
            if (behavior == SplitBehavior.Removed && part.IsMatch)
            {
                continue;
            }

            if (parts.Count > 0 && Joins(behavior, parts[^1].IsMatch, part.IsMatch))
            {
                part = part with { Start = parts[^1].Start, Length = parts[^1].Length + part.Length };
                parts.RemoveAt(parts.Count - 1);
            }

            parts.Add(part);
        }

        return parts;
    }

    private static bool Joins(SplitBehavior behavior, bool previousIsMatch, bool isMatch) => behavior switch
    {
        SplitBehavior.Contiguous => previousIsMatch == isMatch,
        SplitBehavior.MergedWithPrevious => !previousIsMatch && isMatch,
        SplitBehavior.MergedWithNext => previousIsMatch && !isMatch,
        _ => false,
    };
}
