using SplitFrozen.Actors.Channel;
using SplitFrozen.TestKit.Timing;

namespace SplitFrozen.TestKit.Faults;

/// <summary>One end of a connection of the activation channel or between server nodes: what is written is put together to frames, which faults may strike.</summary>
/// <param name="inner">The connection.</param>
/// <param name="faults">What may strike.</param>
/// <param name="time">By which it lasts.</param>
/// <param name="site">Where.</param>
/// <param name="shape">By what frames are told.</param>
internal sealed class FaultStream(Stream inner, FaultInjector faults, TimeProvider time, FaultSite site, FrameShape shape) : Stream
{
    /// <summary>How long a frame that is to change places waits for the next one.</summary>
    private static readonly TimeSpan ReorderLimit = TimeSpan.FromMilliseconds(200);

    private readonly Lock _gate = new();
    private readonly MemoryStream _begun = new();
    private bool _greeted;
    private byte[]? _held;
    private ITimer? _release;

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, count);

    public override int Read(Span<byte> buffer) => inner.Read(buffer);

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        _begun.Write(buffer);
        while (Whole() is { } part)
        {
            if (_greeted)
            {
                Send(part);
            }
            else
            {
                _greeted = true;
                inner.Write(part);
            }
        }
    }

    public override void Flush() => inner.Flush();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            lock (_gate)
            {
                _release?.Dispose();
                _held = null;
            }

            inner.Dispose();
            _begun.Dispose();
        }

        base.Dispose(disposing);
    }

    /// <summary>Takes the greeting or the next frame out of what was written, or gives null while it is not whole.</summary>
    private byte[]? Whole()
    {
        var bytes = _begun.GetBuffer().AsSpan(0, (int)_begun.Length);
        if ((_greeted ? shape.Size(bytes) : shape.FirstBytes) is not { } size || bytes.Length < size)
        {
            return null;
        }

        var whole = bytes[..size].ToArray();
        var rest = bytes[size..].ToArray();
        _begun.SetLength(0);
        _begun.Write(rest);
        return whole;
    }

    private void Send(byte[] frame)
    {
        var rule = faults.Pass(site);
        switch (rule?.Kind)
        {
            case FaultKind.Drop:
                throw Break("a frame was lost");
            case FaultKind.Crash:
                inner.Write(frame.AsSpan(0, frame.Length / 2));
                throw Break("the link broke");
            case FaultKind.Delay or FaultKind.SlowDown:
                time.Block(rule.For, isAtWork: false);
                break;
            case FaultKind.Partition:
                faults.CutStages(rule.For);
                throw new IOException("the server nodes were cut off from each other");
            case FaultKind.Corrupt:
                // The last value of the payload: the checksum after it tells.
                frame[^(FrameLayout.ChecksumBytes + 1)] ^= 0x10;
                break;
            case FaultKind.Duplicate:
                Forward(frame);
                break;
            case FaultKind.Reorder:
                Hold(frame);
                return;
        }

        Forward(frame);
    }

    private void Hold(byte[] frame)
    {
        lock (_gate)
        {
            // Writing may block, which the clock's thread must not.
            _held = frame;
            _release = time.CreateTimer(
                _ => ThreadPool.UnsafeQueueUserWorkItem(stream => stream.Release(), this, preferLocal: false), null, ReorderLimit, Timeout.InfiniteTimeSpan);
        }
    }

    private void Forward(byte[] frame)
    {
        lock (_gate)
        {
            inner.Write(frame);
            WriteHeld();
        }
    }

    private void Release()
    {
        lock (_gate)
        {
            try
            {
                WriteHeld();
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException)
            {
                // The connection is gone, and its writer meets the same end.
            }
        }
    }

    private void WriteHeld()
    {
        if (_held is { } held)
        {
            _held = null;
            inner.Write(held);
        }
    }

    private IOException Break(string reason)
    {
        inner.Dispose();
        return new IOException(reason);
    }
}
