using System.Net.Sockets;

using SplitFrozen.Actors.Channel;

namespace SplitFrozen.TestKit.Timing;

/// <summary>Connections in memory: what is written at one end can be read at the other, in order, until either closes. The network of one test cluster.</summary>
/// <param name="time">Told what is on its way.</param>
internal sealed class MemoryCarrier(ControlledTime time) : Carrier
{
    private readonly Lock _gate = new();
    private readonly Dictionary<int, Listener> _listeners = [];
    private int _lastPort = 40_000;

    public override CarrierListener Listen(string host, int port)
    {
        lock (_gate)
        {
            port = port == 0 ? ++_lastPort : port;
            return _listeners[port] = new Listener(port, () => Forget(port));
        }
    }

    public override CarrierConnection Dial(string host, int port) => new Connection(() =>
    {
        lock (_gate)
        {
            var (near, far) = MemoryStreamPair.Create(time);
            return _listeners.TryGetValue(port, out var listener) && listener.Offer(far) ? near
                : throw new SocketException((int)SocketError.ConnectionRefused);
        }
    });

    private void Forget(int port)
    {
        lock (_gate)
        {
            _listeners.Remove(port);
        }
    }

    private sealed class Listener(int port, Action forget) : CarrierListener
    {
        private readonly object _gate = new();
        private readonly Queue<Stream> _came = [];
        private bool _closed;

        public override int Port => port;

        public bool Offer(Stream stream)
        {
            lock (_gate)
            {
                if (!_closed)
                {
                    _came.Enqueue(stream);
                    Monitor.PulseAll(_gate);
                }

                return !_closed;
            }
        }

        public override CarrierConnection Accept()
        {
            lock (_gate)
            {
                while (_came.Count == 0)
                {
                    ObjectDisposedException.ThrowIf(_closed, this);
                    Monitor.Wait(_gate);
                }

                var stream = _came.Dequeue();
                return new Connection(() => stream);
            }
        }

        public override void Dispose()
        {
            forget();
            lock (_gate)
            {
                _closed = true;
                while (_came.TryDequeue(out var stream))
                {
                    stream.Dispose();
                }

                Monitor.PulseAll(_gate);
            }
        }
    }

    private sealed class Connection(Func<Stream> open) : CarrierConnection
    {
        private readonly Lock _gate = new();
        private Stream? _stream;
        private bool _closed;

        public override Stream Open()
        {
            var stream = open();
            lock (_gate)
            {
                if (!_closed)
                {
                    return _stream = stream;
                }
            }

            stream.Dispose();
            throw new ObjectDisposedException(nameof(Connection));
        }

        public override void Dispose()
        {
            lock (_gate)
            {
                _closed = true;
                _stream?.Dispose();
            }
        }
    }
}
