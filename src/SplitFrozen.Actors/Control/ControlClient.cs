using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text.Json;

using SplitFrozen.Actors.Security;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Configuration;

namespace SplitFrozen.Actors.Control;

/// <summary>Asks a running server; its address is given, or found among the servers of this user on this machine.</summary>
public sealed class ControlClient
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private readonly ControlFile _server;
    private readonly TlsSettings _tls;

    private ControlClient(ControlFile server, TlsSettings tls) => (_server, _tls) = (server, tls);

    /// <summary>Where the server is, for messages.</summary>
    public string Server => $"{_server.Host}:{_server.Port}";

    /// <summary>Finds the server.</summary>
    /// <param name="address">host:port, or null: the one run of this user on this machine.</param>
    /// <param name="tls">Certificates, where TLS is on.</param>
    /// <exception cref="UserErrorException">There is none, or more than one, or the address is none.</exception>
    public static ControlClient Find(string? address, TlsSettings tls)
    {
        var local = ControlFile.All();
        if (address is null)
        {
            return local.Count switch
            {
                1 => new ControlClient(local[0], tls),
                0 => throw new UserErrorException($"No run of yours is under way on this machine (looked in {ControlFile.Folder}). Start one, or name its server with --server HOST:PORT (splitfrozen.control.host and port)."),
                _ => throw new UserErrorException($"Several runs are under way on this machine. Name one with --server: {string.Join(", ", local.Select(s => $"{s.Host}:{s.Port} ({s.Run})"))}."),
            };
        }

        var colon = address.LastIndexOf(':');
        if (colon <= 0 || !int.TryParse(address.AsSpan(colon + 1), out var port) || port is < 1 or > 65535)
        {
            throw new UserErrorException($"--server = {address} is not allowed: it must be HOST:PORT, such as 127.0.0.1:4055.");
        }

        var host = address[..colon];
        var token = local.FirstOrDefault(s => s.Port == port && IsThisMachine(host))?.Token ?? "";
        return new ControlClient(new ControlFile(host, port, token, "", 0), tls);
    }

    /// <summary>Asks.</summary>
    /// <exception cref="UserErrorException">The server cannot be reached, or does not do what was asked.</exception>
    public T Ask<T>(ControlRequest request)
    {
        var reply = Exchange(request with { Token = _tls.Enabled ? null : _server.Token });
        return reply switch
        {
            { Error: { } error } => throw new UserErrorException(error),
            { Result: { } result } when result.Deserialize<T>(ControlWire.Json) is { } value => value,
            _ => throw new UserErrorException($"{Server} answered with nothing. Is it a server of the same release?"),
        };
    }

    /// <summary>A request with this client's version.</summary>
    public static ControlRequest Request(string command) => new(ControlWire.Version, command);

    private ControlReply Exchange(ControlRequest request)
    {
        using var identity = TlsIdentity.Load(_tls);
        using var client = new TcpClient { ReceiveTimeout = (int)Limit.TotalMilliseconds, SendTimeout = (int)Limit.TotalMilliseconds };
        try
        {
            client.Connect(_server.Host, _server.Port);
        }
        catch (SocketException e)
        {
            throw new UserErrorException($"No server answers at {Server} ({e.Message}). Is it running, and is this the address of splitfrozen.control.host and port?", e);
        }

        try
        {
            Stream stream = client.GetStream();
            stream = identity is null ? stream : identity.AsClient(stream, _server.Host);
            using (stream)
            {
                ControlWire.Write(stream, request);
                return ControlWire.Read<ControlReply>(stream, ControlWire.ReplyLimit);
            }
        }
        catch (AuthenticationException e)
        {
            throw new UserErrorException($"{Server} is not trusted, or does not trust this command's certificate: {e.InnerException?.Message ?? e.Message}", e);
        }
        catch (Exception e) when (e is IOException or SocketException or InvalidDataException)
        {
            throw new UserErrorException(
                $"{Server} did not answer as a server of a run does: {e.Message} If the run has TLS on, give its certificates with --config or --set splitfrozen.security.tls.…; if it has not, leave them away.", e);
        }
    }

    private static bool IsThisMachine(string host) => host == "localhost" || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));
}
