using System.Diagnostics;
using System.Net.Sockets;

namespace SplitFrozen.Actors.Channel;

/// <summary>
/// The connection between two server nodes, or between the server and a device that trains: rows and states both ways, written and read on a thread each. What
/// waits to be written is bounded by the schedule: a stage has at most p micro-batches under way, a device one, and one state.
/// </summary>
internal sealed class StageLink : IDisposable
{
    private readonly object _gate = new();
    private readonly Queue<(StageFrame Frame, long Came)> _waiting = [];
    private readonly StageConnection _connection;
    private readonly StageFrameWriter _frames;
    private readonly StageFrameReader _reader;
    private readonly Action<StageFrame> _arrived;
    private readonly Action<string> _broken;
    private readonly Action<long, long>? _written;
    private readonly Thread _writing;
    private readonly Thread _reading;
    private readonly TaskCompletionSource<Exception?> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _bytesWritten;
    private long _bytesRead;
    private bool _closed;

    /// <summary>Begins to read and write.</summary>
    /// <param name="connection">The connection; the link's own from now on.</param>
    /// <param name="width">Hidden size D.</param>
    /// <param name="maxFrameBytes">Largest frame.</param>
    /// <param name="arrived">Takes each frame, on the reading thread.</param>
    /// <param name="broken">Told once why the link does not work any more, unless its owner closed it.</param>
    /// <param name="life">The incarnation of the device at one end, or 0.</param>
    /// <param name="written">Told of each frame that was written: timestamps of beginning and end, on the writing thread; null: nobody.</param>
    public StageLink(
        StageConnection connection, int width, int maxFrameBytes, Action<StageFrame> arrived, Action<string> broken, long life = 0,
        Action<long, long>? written = null)
    {
        (_connection, _arrived, _broken, _written) = (connection, arrived, broken, written);
        (_frames, _reader) = (new StageFrameWriter(width, life), new StageFrameReader(width, maxFrameBytes, life));
        _writing = new Thread(() => Work(Write)) { IsBackground = true, Name = "stage-send" };
        _reading = new Thread(() => Work(Read)) { IsBackground = true, Name = "stage-receive" };
        _writing.Start();
        _reading.Start();
    }

    /// <summary>Completes when the link works no more: with what broke it, or null where either end closed it.</summary>
    public Task<Exception?> Ended => _ended.Task;

    /// <summary>Bytes of frames written.</summary>
    public long BytesWritten => Interlocked.Read(ref _bytesWritten);

    /// <summary>Bytes of frames read.</summary>
    public long BytesRead => Interlocked.Read(ref _bytesRead);

    /// <summary>Sends a frame in turn; on a link that is closed it is dropped.</summary>
    public void Send(StageFrame frame)
    {
        lock (_gate)
        {
            if (!_closed)
            {
                _waiting.Enqueue((frame, Stopwatch.GetTimestamp()));
                Monitor.PulseAll(_gate);
                return;
            }
        }

        Drop(frame);
    }

    /// <summary>Closes the connection and waits for its threads; what was not written is dropped.</summary>
    public void Dispose()
    {
        Cut();
        _writing.Join();
        _reading.Join();
    }

    /// <summary>Closes the connection without waiting; what was not written is dropped.</summary>
    public void Cut() => Close(null);

    private void Work(Action work)
    {
        try
        {
            work();
            Fail("the other end closed it", null);
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or FrameException)
        {
            Fail(e.Message, e);
        }
    }

    private void Write()
    {
        while (Next() is var (frame, came))
        {
            try
            {
                var began = Stopwatch.GetTimestamp();
                _connection.Shape?.Came(came);
                Interlocked.Add(ref _bytesWritten, _frames.Write(_connection.Stream, frame));
                _written?.Invoke(began, Stopwatch.GetTimestamp());
            }
            finally
            {
                Drop(frame);
            }
        }
    }

    private void Read()
    {
        while (_reader.Read(_connection.Stream) is { } frame)
        {
            Interlocked.Exchange(ref _bytesRead, _reader.Bytes);
            _arrived(frame);
        }
    }

    private (StageFrame Frame, long Came)? Next()
    {
        lock (_gate)
        {
            while (!_closed)
            {
                if (_waiting.TryDequeue(out var next))
                {
                    return next;
                }

                Monitor.Wait(_gate);
            }

            return null;
        }
    }

    private void Fail(string reason, Exception? cause)
    {
        if (Close(cause))
        {
            _broken(reason);
        }
    }

    /// <returns>Whether it was open until now.</returns>
    private bool Close(Exception? cause)
    {
        lock (_gate)
        {
            if (_closed)
            {
                return false;
            }

            _closed = true;
            Monitor.PulseAll(_gate);
            while (_waiting.TryDequeue(out var dropped))
            {
                Drop(dropped.Frame);
            }
        }

        _connection.Dispose();
        _ended.TrySetResult(cause);
        return true;
    }

    private static void Drop(StageFrame frame)
    {
        if (frame is StageFrame.RowsFor rows)
        {
            rows.Rows.Return();
        }
    }
}
