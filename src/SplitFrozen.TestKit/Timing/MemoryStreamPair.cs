namespace SplitFrozen.TestKit.Timing;

/// <summary>
/// One end of a connection in memory. Reads and writes block, as those of a socket do; a writer waits while the reader has not taken what was written before. Bytes that
/// wait for a reader, or that a reader has taken and has not asked for more since, count as at work.
/// </summary>
internal sealed class MemoryStreamPair : Stream
{
    private readonly Flow _in;
    private readonly Flow _out;

    private MemoryStreamPair(Flow incoming, Flow outgoing) => (_in, _out) = (incoming, outgoing);

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <summary>The two ends of a connection.</summary>
    public static (MemoryStreamPair Near, MemoryStreamPair Far) Create(ControlledTime time)
    {
        var (there, back) = (new Flow(time), new Flow(time));
        return (new MemoryStreamPair(back, there), new MemoryStreamPair(there, back));
    }

    public override int Read(Span<byte> buffer) => buffer.IsEmpty ? 0 : _in.Read(buffer);

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer) => _out.Write(buffer);

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush()
    {
        // What is written is there at once.
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _out.EndWriting();
            _in.EndReading();
        }

        base.Dispose(disposing);
    }

    /// <summary>Bytes in one direction.</summary>
    private sealed class Flow(ControlledTime time)
    {
        private const int Most = 64 * 1024;

        private readonly object _gate = new();
        private readonly byte[] _ring = new byte[Most];
        private int _first;
        private int _count;
        private bool _isAtWork;
        private bool _isWritten;
        private bool _isClosed;

        /// <summary>Takes what is there, or waits for it.</summary>
        /// <returns>0 where the other end has closed and everything was read.</returns>
        public int Read(Span<byte> buffer)
        {
            lock (_gate)
            {
                while (_count == 0 && !_isWritten && !_isClosed)
                {
                    Rest();
                    Monitor.Wait(_gate);
                }

                ObjectDisposedException.ThrowIf(_isClosed, typeof(MemoryStreamPair));
                var taken = Math.Min(buffer.Length, Math.Min(_count, Most - _first));
                _ring.AsSpan(_first, taken).CopyTo(buffer);
                (_first, _count) = ((_first + taken) % Most, _count - taken);
                time.Note();
                Monitor.PulseAll(_gate);
                return taken;
            }
        }

        public void Write(ReadOnlySpan<byte> buffer)
        {
            lock (_gate)
            {
                while (!buffer.IsEmpty)
                {
                    while (_count == Most && !_isClosed && !_isWritten)
                    {
                        Monitor.Wait(_gate);
                    }

                    ObjectDisposedException.ThrowIf(_isWritten, typeof(MemoryStreamPair));
                    if (_isClosed)
                    {
                        throw new IOException("The other end closed the connection.");
                    }

                    var end = (_first + _count) % Most;
                    var put = Math.Min(buffer.Length, Math.Min(Most - _count, Most - end));
                    buffer[..put].CopyTo(_ring.AsSpan(end));
                    _count += put;
                    buffer = buffer[put..];
                    if (!_isAtWork)
                    {
                        _isAtWork = true;
                        time.Begin();
                    }

                    Monitor.PulseAll(_gate);
                }
            }
        }

        /// <summary>Nothing more is written.</summary>
        public void EndWriting()
        {
            lock (_gate)
            {
                _isWritten = true;
                time.Note();
                Monitor.PulseAll(_gate);
            }
        }

        /// <summary>Nothing more is read.</summary>
        public void EndReading()
        {
            lock (_gate)
            {
                _isClosed = true;
                Rest();
                Monitor.PulseAll(_gate);
            }
        }

        /// <summary>The reader has worked off what it took.</summary>
        private void Rest()
        {
            if (_isAtWork)
            {
                _isAtWork = false;
                time.End();
            }
        }
    }
}
