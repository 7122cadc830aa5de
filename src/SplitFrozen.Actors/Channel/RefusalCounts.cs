using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Channel;

/// <summary>Something that came over the channel was refused.</summary>
/// <param name="Device">Whose connection it was, or null before the peer had said so.</param>
/// <param name="Fault">Kind of fault.</param>
/// <param name="Message">In words.</param>
/// <param name="Count">How often this kind has been refused so far.</param>
/// <param name="IsPeersFault">Whether the peer itself is at fault, so that sending again does not help.</param>
internal readonly record struct ChannelRefusal(DeviceId? Device, FrameFault Fault, string Message, long Count, bool IsPeersFault);

/// <summary>How often each kind of fault was refused.</summary>
internal sealed class RefusalCounts
{
    private readonly long[] _counts = new long[Enum.GetValues<FrameFault>().Length];

    /// <summary>Counts one.</summary>
    /// <returns>How many of its kind that are.</returns>
    public long Add(FrameFault fault) => Interlocked.Increment(ref _counts[(int)fault]);

    /// <summary>The kinds that occurred.</summary>
    public IReadOnlyDictionary<FrameFault, long> Snapshot() =>
        Enum.GetValues<FrameFault>().Where(f => Volatile.Read(ref _counts[(int)f]) > 0).ToDictionary(f => f, f => Volatile.Read(ref _counts[(int)f]));
}
