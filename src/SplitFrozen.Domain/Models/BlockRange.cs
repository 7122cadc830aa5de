namespace SplitFrozen.Domain.Models;

/// <summary>Consecutive blocks [From, To) of a model.</summary>
/// <param name="From">First block.</param>
/// <param name="To">Block after the last.</param>
public readonly record struct BlockRange(int From, int To)
{
    /// <summary>How many blocks.</summary>
    public int Count => To - From;

    /// <summary>From..To.</summary>
    public override string ToString() => $"{From}..{To}";

    /// <summary>Cuts this range into consecutive parts whose sizes differ by one at most, the larger ones first.</summary>
    /// <param name="parts">From 1 to <see cref="Count"/>.</param>
    public IReadOnlyList<BlockRange> Cut(int parts)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(parts, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(parts, Count);
        var ranges = new BlockRange[parts];
        var from = From;
        for (var i = 0; i < parts; i++)
        {
            var to = from + (Count / parts) + (i < Count % parts ? 1 : 0);
            ranges[i] = new BlockRange(from, to);
            from = to;
        }

        return ranges;
    }
}
