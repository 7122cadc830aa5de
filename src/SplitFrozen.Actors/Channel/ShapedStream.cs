using System.Diagnostics;

using SplitFrozen.Domain.Configuration;

namespace SplitFrozen.Actors.Channel;

/// <summary>
/// Emulates a device's link: what is written leaves no faster than the link's rate, and what follows a pause comes later by its latency. The time is kept
/// from when the link was free or the bytes came, so that waits that last too long do not add up. Reads pass: little comes back.
/// </summary>
internal sealed class ShapedStream : Stream
{
    private const int SliceBytes = 256 * 1024;

    private readonly Stream _inner;
    private readonly double _ticksPerByte;
    private readonly long _latencyTicks;
    private long _freeAt;

    private ShapedStream(Stream inner, double? megabits, TimeSpan latency)
    {
        _inner = inner;
        _ticksPerByte = megabits is { } rate ? 8 * Stopwatch.Frequency / (rate * 1e6) : 0;
        _latencyTicks = (long)(latency.TotalSeconds * Stopwatch.Frequency);
    }

    /// <summary>Wraps the stream where the profile asks for that.</summary>
    public static Stream Wrap(NodeProfile profile, Stream inner) =>
        profile.LinkMegabits is null && profile.LinkLatency == TimeSpan.Zero ? inner : new ShapedStream(inner, profile.LinkMegabits, profile.LinkLatency);

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

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        var now = Stopwatch.GetTimestamp();
        _freeAt = now > _freeAt ? now + _latencyTicks : _freeAt;
        while (!buffer.IsEmpty)
        {
            // In slices, so that the real sending happens within the emulated time and not after it.
            var slice = buffer[..Math.Min(SliceBytes, buffer.Length)];
            _freeAt += (long)(slice.Length * _ticksPerByte);
            WaitUntil(_freeAt);
            _inner.Write(slice);
            buffer = buffer[slice.Length..];
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer) => _inner.Read(buffer);

    public override int Read(byte[] buffer, int offset, int count) => _inner.Read(buffer, offset, count);

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

    /// <summary>The channel's writer has a thread of its own, so that it may block.</summary>
    private static void WaitUntil(long timestamp)
    {
        var left = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), timestamp);
        if (left > TimeSpan.Zero)
        {
            Thread.Sleep(left);
        }
    }
}
