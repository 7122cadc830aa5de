namespace SplitFrozen.Actors.Tests.Channel.Support;

/// <summary>A connection that breaks after so many bytes were written, in the middle of whatever is being written then.</summary>
internal sealed class BreakingStream(Stream inner, long breaksAfter) : Stream
{
    private long _left = breaksAfter;

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
        if (buffer.Length <= _left)
        {
            inner.Write(buffer);
            _left -= buffer.Length;
            return;
        }

        inner.Write(buffer[..(int)_left]);
        inner.Dispose();
        throw new IOException("the link broke");
    }

    public override void Flush() => inner.Flush();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        inner.Dispose();
        base.Dispose(disposing);
    }
}
