using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

using SplitFrozen.Actors.Security;
using SplitFrozen.Domain;

namespace SplitFrozen.Actors.Control;

/// <summary>
/// Takes operators' requests: one request a connection, each on a thread of its own. Where TLS is on, both ends prove themselves by certificates; else it listens on loopback
/// only, and a request must show the secret of the server's file, so that other users of the machine are kept out.
/// </summary>
internal sealed class ControlListener : IDisposable
{
    private const int MostConnections = 32;
    private static readonly TimeSpan RequestLimit = TimeSpan.FromSeconds(20);

    private readonly Socket _listener;
    private readonly TlsIdentity? _identity;
    private readonly Func<ControlRequest, ControlReply> _answer;
    private readonly Action<string> _warn;
    private readonly Thread _acceptor;
    private readonly string? _file;
    private int _connections;
    private volatile bool _closed;

    /// <summary>Listens at once, and leaves a file by which commands on this machine find it.</summary>
    /// <param name="host">Address to listen on.</param>
    /// <param name="port">Port, or 0 for a free one.</param>
    /// <param name="run">The run's folder.</param>
    /// <param name="identity">Certificates, or null for plain connections.</param>
    /// <param name="answer">Answers a request; may block.</param>
    /// <param name="warn">Told when the file cannot be left, and when a request fails as none should.</param>
    /// <exception cref="UserErrorException">The address cannot be listened on.</exception>
    public ControlListener(string host, int port, string run, TlsIdentity? identity, Func<ControlRequest, ControlReply> answer, Action<string> warn)
    {
        (_identity, _answer, _warn) = (identity, answer, warn);
        _listener = Listen(host, port);
        Endpoint = new ControlFile(
            host, ((IPEndPoint)_listener.LocalEndPoint!).Port, Convert.ToHexString(RandomNumberGenerator.GetBytes(16)), run, Environment.ProcessId);
        _file = Leave(warn);
        _acceptor = new Thread(Accept) { IsBackground = true, Name = "control-accept" };
        _acceptor.Start();
    }

    /// <summary>Where it is reached.</summary>
    public ControlFile Endpoint { get; }

    /// <summary>Stops listening and removes the file; requests at hand are answered.</summary>
    public void Dispose()
    {
        _closed = true;
        _listener.Dispose();
        _acceptor.Join();
        if (_file is not null)
        {
            File.Delete(_file);
        }
    }

    private static Socket Listen(string host, int port)
    {
        try
        {
            var address = IPAddress.TryParse(host, out var parsed) ? parsed : Dns.GetHostAddresses(host)[0];
            var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(address, port));
            socket.Listen(MostConnections);
            return socket;
        }
        catch (SocketException e)
        {
            throw new UserErrorException(
                $"The control endpoint cannot listen on {host}:{port} ({e.Message}). Set splitfrozen.control.host and splitfrozen.control.port to a free address of this machine; port 0 takes any free one, off does without.", e);
        }
    }

    private string? Leave(Action<string> warn)
    {
        try
        {
            return Endpoint.Write();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            warn($"No file can be left in {ControlFile.Folder} by which `splitfrozen status` would find this run: {e.Message}");
            return null;
        }
    }

    private void Accept()
    {
        while (!_closed)
        {
            try
            {
                Take(_listener.Accept());
            }
            catch (Exception e)
            {
                if (_closed)
                {
                    return;
                }

                if (e is not (SocketException or ObjectDisposedException))
                {
                    _warn($"An operator's connection could not be taken: {e.Message}");
                }
            }
        }
    }

    private void Take(Socket socket)
    {
        if (Interlocked.Increment(ref _connections) > MostConnections)
        {
            Interlocked.Decrement(ref _connections);
            socket.Dispose();
            return;
        }

        new Thread(() =>
        {
            Serve(socket);
            Interlocked.Decrement(ref _connections);
        })
        { IsBackground = true, Name = "control-request" }.Start();
    }

    private void Serve(Socket socket)
    {
        // One limit for the whole request: a peer that trickles bytes must not hold the thread for long.
        using var limit = new Timer(_ => socket.Dispose(), null, RequestLimit, Timeout.InfiniteTimeSpan);
        try
        {
            Stream stream = new NetworkStream(socket, ownsSocket: true);
            stream = _identity is null ? stream : _identity.AsServer(stream, NodeCertificate.Server);
            using (stream)
            {
                ControlWire.Write(stream, Answer(ControlWire.Read<ControlRequest>(stream, ControlWire.RequestLimit)));
            }
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or AuthenticationException or InvalidDataException)
        {
            // Whoever it was has gone, is not trusted, or does not speak the protocol: there is nobody to tell.
            socket.Dispose();
        }
        catch (Exception e)
        {
            // An exception that leaves a thread ends the process: one request's trouble must not.
            socket.Dispose();
            _warn($"An operator's request failed: {e.GetType().Name}: {e.Message}");
        }
    }

    private ControlReply Answer(ControlRequest request)
    {
        if (_identity is null && !CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(request.Token ?? ""), Encoding.UTF8.GetBytes(Endpoint.Token)))
        {
            return new ControlReply("The request does not show the server's secret. Give the command as the user who started the server, on the same machine, or use TLS.", null);
        }

        return request.Version == ControlWire.Version ? _answer(request)
            : new ControlReply($"The command speaks version {request.Version} of the control protocol, the server {ControlWire.Version}; use the same release.", null);
    }

    /// <summary>An answer with a result.</summary>
    internal static ControlReply Done<T>(T result) => new(null, JsonSerializer.SerializeToElement(result, ControlWire.Json));
}
