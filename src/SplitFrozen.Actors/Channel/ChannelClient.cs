using System.Net.Sockets;
using System.Security.Authentication;

using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Channel;

/// <summary>
/// A device's end of its activation channel: blocking writes on a thread of its own, and a second thread for the server's answers. Units are kept until
/// the server says that it has them; a connection that breaks is opened again, and goes on with the first unit that the server does not have. How many
/// units may wait is bounded by the owner's credits.
/// </summary>
internal sealed class ChannelClient : IDisposable
{
    /// <summary>How long connecting is tried without any answer of the server.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    private readonly object _gate = new();
    private readonly List<ActivationUnit> _kept = [];
    private readonly ChannelEndpoint _server;
    private readonly Incarnation _incarnation;
    private readonly ChannelRoute _route;
    private readonly Action<ChannelNews> _tell;
    private readonly FrameWriter _frames;
    private readonly LinkMeter _meter = new();
    private readonly Thread _writer;
    private CarrierConnection? _connection;
    private bool _usable;
    private bool _closed;

    /// <summary>Place in the life of the first unit kept: the server has all before it.</summary>
    private long _first;

    /// <summary>Place in the life of the unit that is written next.</summary>
    private long _next;

    /// <summary>Begins to connect; the outcome is told to the owner.</summary>
    /// <param name="server">Where to connect.</param>
    /// <param name="device">The device.</param>
    /// <param name="incarnation">Its life.</param>
    /// <param name="codec">How activations are written.</param>
    /// <param name="route">How the server is reached.</param>
    /// <param name="tell">Takes news on one of the client's threads; must return at once.</param>
    public ChannelClient(
        ChannelEndpoint server, DeviceId device, Incarnation incarnation, ActivationCodec codec, ChannelRoute route, Action<ChannelNews> tell)
    {
        (_server, _incarnation, _route, _tell, _frames) = (server, incarnation, route, tell, new FrameWriter(codec));
        _writer = new Thread(Run) { IsBackground = true, Name = $"activation-send-{device}" };
        _writer.Start();
    }

    /// <summary>Takes over a unit: it is written in turn, and its buffer given back when the server has it.</summary>
    public void Send(ActivationUnit unit)
    {
        lock (_gate)
        {
            _kept.Add(unit);
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Closes the connection; units that the server does not have are dropped.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _closed = true;
            _connection?.Dispose();
            Monitor.PulseAll(_gate);
        }

        _writer.Join();
        _kept.ForEach(unit => unit.Dispose());
        _kept.Clear();
    }

    /// <summary>Connects, and connects again, until the owner closes or there is no hope.</summary>
    private void Run()
    {
        var fruitful = _route.Time.GetTimestamp();
        var pause = FirstPause;
        string? reason = null;
        do
        {
            var (first, opened) = (_first, false);
            try
            {
                using var stream = Open();
                if (ChannelGreeting.ReadAnswer(stream) is not { } received)
                {
                    Tell(new ChannelNews.Broken(_incarnation, reason ?? "the server did not admit this channel"));
                    return;
                }

                opened = true;
                Tell(reason is null ? null : new ChannelNews.Resumed(_incarnation, reason));
                Use(stream, received);
                reason = "the server closed it";
            }
            catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or AuthenticationException)
            {
                reason = e.Message;
            }
            catch (Exception e)
            {
                // An exception that leaves a thread ends the process; the device begins anew instead.
                Tell(new ChannelNews.Broken(_incarnation, $"{e.GetType().Name}: {e.Message}"));
                return;
            }

            if (opened && HasGained(first))
            {
                pause = FirstPause;
                fruitful = _route.Time.GetTimestamp();
            }
            else if (_route.Time.GetElapsedTime(fruitful) > Patience)
            {
                Tell(new ChannelNews.Broken(_incarnation, reason));
                return;
            }
        }
        while (Rest(ref pause));
    }

    /// <summary>Whether a connection brought anything further, or had nothing to bring.</summary>
    private bool HasGained(long first)
    {
        lock (_gate)
        {
            return _first > first || _kept.Count == 0;
        }
    }

    private Stream Open()
    {
        var connection = _route.Carrier.Dial(_server.Host, _server.Port);
        lock (_gate)
        {
            if (_closed)
            {
                connection.Dispose();
                throw new ObjectDisposedException(nameof(ChannelClient));
            }

            _connection = connection;
        }

        try
        {
            return _route.Open(connection, _server, _incarnation);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Writes units until the connection breaks or the owner closes.</summary>
    /// <param name="stream">The connection, past its greeting.</param>
    /// <param name="received">What the server has.</param>
    private void Use(Stream stream, long received)
    {
        lock (_gate)
        {
            Acknowledge(received);
            _meter.Reset();
            (_next, _usable) = (_first, true);
        }

        var answers = new Thread(() => Listen(stream)) { IsBackground = true, Name = "activation-answers" };
        answers.Start();
        try
        {
            while (Next() is { } unit)
            {
                var bytes = _frames.Write(stream, unit.Unit, (int)unit.Place);
                lock (_gate)
                {
                    _meter.Wrote(bytes);
                }

                Tell(new ChannelNews.Sent(_incarnation, bytes));
            }
        }
        finally
        {
            _connection!.Dispose();
            answers.Join();
        }
    }

    /// <summary>Waits for the next unit to write.</summary>
    /// <returns>null when the connection is not usable any more.</returns>
    private (ActivationUnit Unit, long Place)? Next()
    {
        lock (_gate)
        {
            while (_usable && !_closed)
            {
                if (_next - _first < _kept.Count)
                {
                    var place = _next++;
                    _meter.Begin(place);
                    return (_kept[(int)(place - _first)], place);
                }

                Monitor.Wait(_gate);
            }

            return null;
        }
    }

    /// <summary>Reads the server's answers until the connection ends.</summary>
    private void Listen(Stream stream)
    {
        try
        {
            while (ChannelGreeting.ReadAnswer(stream) is { } received)
            {
                (long Bytes, double Seconds) measured;
                lock (_gate)
                {
                    Acknowledge(received);
                    measured = _meter.Confirmed(received);
                }

                Tell(new ChannelNews.Received(_incarnation, received, measured.Bytes, measured.Seconds));
            }
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
        {
            // The writer meets the same end, and says why.
        }

        lock (_gate)
        {
            _usable = false;
            _connection!.Dispose();
            Monitor.PulseAll(_gate);
        }
    }

    private void Acknowledge(long received)
    {
        if (received < _first || received > _first + _kept.Count)
        {
            throw new IOException($"the server counts {received} units where {_first} to {_first + _kept.Count} are possible");
        }

        var done = (int)(received - _first);
        _kept.Take(done).ToList().ForEach(unit => unit.Dispose());
        _kept.RemoveRange(0, done);
        _first = received;
    }

    /// <summary>Pauses before the next attempt, longer each time.</summary>
    /// <returns>Whether there is to be one.</returns>
    private bool Rest(ref TimeSpan pause)
    {
        using var over = new Alarm(_route.Time, pause, _gate);
        lock (_gate)
        {
            while (!_closed && !over.HasRung)
            {
                Monitor.Wait(_gate);
            }

            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
            return !_closed;
        }
    }

    private void Tell(ChannelNews? news)
    {
        bool closed;
        lock (_gate)
        {
            closed = _closed;
        }

        if (!closed && news is not null)
        {
            _tell(news);
        }
    }
}
