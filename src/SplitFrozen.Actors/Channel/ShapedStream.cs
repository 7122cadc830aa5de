using System.Diagnostics;

using SplitFrozen.Domain.Configuration;

namespace SplitFrozen.Actors.Channel;

/// <summary>
/// Emulates a link: what is written arrives no sooner than the link's rate and latency allow. The time is kept from when the link was free or the bytes came,
/// so that waits that last too long do not add up. Reads pass, since the other end shapes what it writes, unless they have times of their own.
/// </summary>
internal sealed class ShapedStream : Stream
{
    private const int SliceBytes = 256 * 1024;

    /// <summary>A writer that goes on within this time of the last arrival had been held up by this stream.</summary>
    private static readonly long Slack = Stopwatch.Frequency / 200;

    private readonly Stream _inner;
    private readonly Func<long> _now;
    private readonly Action<long> _waitUntil;
    private long? _came;
    private long _arrived;
    private long _received;

    /// <param name="inner">The connection.</param>
    /// <param name="link">Its times.</param>
    /// <param name="now">The present timestamp; null: that of the machine.</param>
    /// <param name="waitUntil">Blocks until a timestamp; null: by the machine's clock.</param>
    internal ShapedStream(Stream inner, LinkClock link, Func<long>? now = null, Action<long>? waitUntil = null) =>
        (_inner, Link, _now, _waitUntil) = (inner, link, now ?? Stopwatch.GetTimestamp, waitUntil ?? WaitUntil);

    /// <summary>Wraps the stream where the profile asks for that.</summary>
    /// <param name="profile">The node's profile.</param>
    /// <param name="inner">The connection.</param>
    /// <param name="bothWays">Whether what comes down takes time as well: the server does not know the node's link.</param>
    public static Stream Wrap(NodeProfile profile, Stream inner, bool bothWays = false) =>
        profile.LinkMegabits is null && profile.LinkLatency == TimeSpan.Zero ? inner
            : new ShapedStream(inner, new LinkClock(profile.LinkMegabits, profile.LinkLatency))
            {
                Down = bothWays ? new LinkClock(profile.LinkMegabits, profile.LinkLatency) : null,
            };

    /// <summary>The link's times; may be set when it is known whose connection it is.</summary>
    public LinkClock Link { get; set; }

    /// <summary>The times of what is read, or null: it passes.</summary>
    public LinkClock? Down { get; init; }

    public override bool CanRead => _inner.CanRead;

    public override bool CanSeek => false;

    public override bool CanWrite => _inner.CanWrite;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int ReadTimeout
    {
        get => _inner.ReadTimeout;
        set => _inner.ReadTimeout = value;
    }

    public override int WriteTimeout
    {
        get => _inner.WriteTimeout;
        set => _inner.WriteTimeout = value;
    }

    public override bool CanTimeout => _inner.CanTimeout;

    /// <summary>What is written next came to the link at this time, and not when it is written.</summary>
    public void Came(long at) => _came = at;

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        var now = _now();
        var came = _came ?? (now - _arrived <= Slack ? Link.LeftAt : now);
        while (!buffer.IsEmpty)
        {
            // In slices, so that the real sending happens within the emulated time and not after it.
            var slice = buffer[..Math.Min(SliceBytes, buffer.Length)];
            _arrived = Link.Send(came, slice.Length);
            _waitUntil(_arrived);
            _inner.Write(slice);
            buffer = buffer[slice.Length..];
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        var read = _inner.Read(buffer);
        if (Down is { } down && read > 0)
        {
            var now = _now();
            _received = down.Send(now - _received <= Slack ? down.LeftAt : now, read);
            _waitUntil(_received);
        }

        return read;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Flush() => _inner.Flush();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _inner.Dispose();
        }

        base.Dispose(disposing);
    }

    /// <summary>Blocks; who calls it has a thread of its own.</summary>
    internal static void WaitUntil(long timestamp)
    {
        var left = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), timestamp);
        if (left > TimeSpan.Zero)
        {
            // Sleeping takes whole milliseconds and drops the rest.
            Thread.Sleep((int)Math.Ceiling(left.TotalMilliseconds));
        }
    }
}
