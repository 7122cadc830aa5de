using System.Text.RegularExpressions;

namespace SplitFrozen.Protocol;

/// <summary>Names one device, that is one partition of the private data. Unique in a run.</summary>
/// <param name="Value">1 to 64 letters, digits, '.', '_' or '-', beginning with a letter or digit.</param>
public readonly partial record struct DeviceId(string Value) : IComparable<DeviceId>
{
    /// <summary>Whether <see cref="Value"/> is a well-formed id.</summary>
    public bool IsValid => Value is not null && Form().IsMatch(Value);

    /// <summary>Ordinal order, so that every node sorts devices alike whatever its culture.</summary>
    public int CompareTo(DeviceId other) => string.CompareOrdinal(Value, other.Value);

    /// <inheritdoc/>
    public override string ToString() => Value;

    [GeneratedRegex("^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\\z", RegexOptions.CultureInvariant)]
    private static partial Regex Form();
}

/// <summary>Counts the lives of one device: each start of its actor draws a higher number, so that what an earlier life sent can be told apart.</summary>
/// <param name="Value">Milliseconds since the Unix epoch at the start, which grows across restarts of a process.</param>
public readonly record struct Incarnation(long Value);

/// <summary>Counts the layer allocations of a run; a message that depends on a layout carries the epoch of that layout.</summary>
/// <param name="Value">0 before the first allocation, then 1, 2, …</param>
public readonly record struct AllocationEpoch(int Value);

/// <summary>Names one grant: a fixed number of consecutive global batches of one epoch of the sampling plan.</summary>
/// <param name="Epoch">Training epoch, from 0.</param>
/// <param name="Number">Place of the grant in its epoch, from 0.</param>
public readonly record struct GrantId(int Epoch, int Number) : IComparable<GrantId>
{
    /// <summary>Orders by epoch, then by number.</summary>
    public int CompareTo(GrantId other) =>
        Epoch != other.Epoch ? Epoch.CompareTo(other.Epoch) : Number.CompareTo(other.Number);

    /// <inheritdoc/>
    public override string ToString() => $"{Epoch}/{Number}";
}

/// <summary>Names one micro-batch of one global batch.</summary>
/// <param name="Step">Optimiser step (global batch) of the run, from 0.</param>
/// <param name="Index">Place in the global batch, from 0.</param>
public readonly record struct MicroBatchId(int Step, int Index)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Step}.{Index}";
}
