using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

using SplitFrozen.Actors.Security;

namespace SplitFrozen.Actors.Channel;

/// <summary>
/// One accepted connection: blocking reads on a thread of its own, so that nothing of it runs on the thread pool that Akka's control plane lives on.
/// Whatever is refused closes it.
/// </summary>
internal sealed class ServerConnection
{
    /// <summary>A peer that connects and does not say who it is within this time is dropped.</summary>
    private static readonly TimeSpan GreetingLimit = TimeSpan.FromSeconds(10);

    private readonly CarrierConnection _connection;
    private readonly ChannelListener _listener;
    private readonly CancellationTokenSource _closed = new();
    private readonly Thread _thread;
    private volatile bool _greeted;
    private bool _inFrame;

    public ServerConnection(CarrierConnection connection, ChannelListener listener)
    {
        (_connection, _listener) = (connection, listener);
        _thread = new Thread(Serve) { IsBackground = true, Name = "activation-receive" };
    }

    public void Start() => _thread.Start();

    /// <summary>Closes the connection; its thread ends soon.</summary>
    public void Close()
    {
        _closed.Cancel();
        _connection.Dispose();
    }

    /// <summary>Closes the connection and waits for its thread.</summary>
    public void CloseAndWait()
    {
        Close();
        _thread.Join();
    }

    private void Serve()
    {
        ChannelLife? life = null;
        try
        {
            var (stream, admitted) = Open(out life);
            using (stream)
            {
                Receive(stream, admitted);
            }
        }
        catch (FrameException e)
        {
            Refuse(life, e);
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // Closed from here, or between two frames, it is no fault of the peer's.
            if (_inFrame && !_closed.IsCancellationRequested)
            {
                Refuse(life, new FrameException(FrameFault.Truncated, $"the connection broke: {e.Message}"));
            }
        }
        catch (Exception e)
        {
            // An exception that leaves a thread ends the process: one connection's trouble must not.
            Refuse(life, new FrameException(FrameFault.Unexpected, $"{e.GetType().Name}: {e.Message}"));
        }
        finally
        {
            _connection.Dispose();
            _listener.Ended(this, _greeted);
        }
    }

    private void Refuse(ChannelLife? life, FrameException refusal)
    {
        var isPeersFault = !refusal.MayBeTransient || (refusal.CountsAsDamage && life is not null && !life.PutUpWithDamage());
        if (life is not null && isPeersFault)
        {
            _listener.End(life);
        }

        _listener.Refuse(life?.Device, refusal, isPeersFault);
    }

    /// <summary>Secures the connection and learns whose it is.</summary>
    /// <param name="life">Who answers for it where it is refused; null while that is not known.</param>
    private (Stream Stream, ChannelLife Life) Open(out ChannelLife? life)
    {
        life = null;

        // Reads that trickle would each keep to a time limit of their own: this one is for all of them.
        using var limit = _listener.Time.CreateTimer(_ => _connection.Dispose(), null, GreetingLimit, Timeout.InfiniteTimeSpan);
        var stream = Stream.Null;
        try
        {
            stream = _connection.Open();
            X509Certificate2? certificate = null;
            if (_listener.Identity is { } identity)
            {
                var secured = identity.AsServer(stream, NodeCertificate.Device);
                (stream, certificate) = (secured, (X509Certificate2)secured.RemoteCertificate!);
            }

            var greeting = ChannelGreeting.Read(stream);
            life = _listener.Find(greeting) ?? throw new FrameException(FrameFault.NotAdmitted, "the token of a channel is unknown");
            if (certificate is not null && !NodeCertificate.MayBe(certificate, life.Device))
            {
                throw new FrameException(FrameFault.NotTrusted, $"the certificate of {certificate.Subject} is not for device {life.Device}");
            }

            _listener.Connects(life.Device);
            _listener.Greeted();
            _greeted = true;
            if (!life.Attach(this))
            {
                // Why it has ended was counted when it did.
                life = null;
                throw new FrameException(FrameFault.NotAdmitted, "the token of a channel is not valid any more");
            }

            ChannelGreeting.WriteAnswer(stream, life.Received);
            return (stream, life);
        }
        catch (AuthenticationException e)
        {
            stream.Dispose();
            throw new FrameException(FrameFault.NotTrusted, e.InnerException?.Message ?? e.Message);
        }
        catch (Exception e) when (!_greeted && !_closed.IsCancellationRequested && e is IOException or SocketException or ObjectDisposedException)
        {
            // Once the peer has said who it is, a connection that breaks is no fault of its.
            stream.Dispose();
            throw new FrameException(FrameFault.Silent, $"a connection ended or stalled before the peer said who it is: {e.Message}");
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    private void Receive(Stream stream, ChannelLife life)
    {
        if (_listener.Converse is { } converse)
        {
            converse(new StageConnection(_connection, stream, Shape: null), life);
            return;
        }

        var reader = new FrameReader(_listener.Rules, life.Device, life.Incarnation, (header, sequence) =>
        {
            life.Check(header, sequence);
            _inFrame = true;
            return _listener.Memory.Rent(header, _closed.Token);
        });
        while (reader.Read(stream) is { } unit)
        {
            _inFrame = false;
            var received = life.Took();
            _listener.Arrived(unit);
            ChannelGreeting.WriteAnswer(stream, received);
        }
    }
}
