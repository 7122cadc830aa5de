using System.Net;
using System.Text;

using SplitFrozen.Domain;
using SplitFrozen.Domain.Configuration;

namespace SplitFrozen.Actors.Hosting;

/// <summary>How a node stands.</summary>
/// <param name="IsGood">Whether all is well.</param>
/// <param name="Text">In words.</param>
public readonly record struct Health(bool IsGood, string Text);

/// <summary>
/// Liveness and readiness over HTTP, on a port of their own: GET /live and GET /ready answer 200 or 503 with a line of text. A thread of its own serves them, one request
/// after another: whoever asks is a watchdog.
/// </summary>
public sealed class HealthEndpoint : IDisposable
{
    private readonly HttpListener _listener;
    private readonly Func<Health> _live;
    private readonly Func<Health> _ready;
    private readonly TaskCompletionSource _closed = new();
    private readonly Thread _thread;

    private HealthEndpoint(HttpListener listener, int port, Func<Health> live, Func<Health> ready)
    {
        (_listener, Port, _live, _ready) = (listener, port, live, ready);
        _thread = new Thread(Serve) { IsBackground = true, Name = "health" };
        _thread.Start();
    }

    /// <summary>The port listened on.</summary>
    public int Port { get; }

    /// <summary>Listens where the settings say.</summary>
    /// <param name="settings">Where.</param>
    /// <param name="live">Whether the node's actors answer.</param>
    /// <param name="ready">Whether the node takes part in the cluster.</param>
    /// <returns>null where the endpoint is off.</returns>
    /// <exception cref="UserErrorException">The address cannot be listened on.</exception>
    public static HealthEndpoint? Start(HealthSettings settings, Func<Health> live, Func<Health> ready)
    {
        if (settings.Port is not { } port)
        {
            return null;
        }

        port = port == 0 ? FreePort() : port;
        var host = settings.Host is "0.0.0.0" or "::" ? "+" : settings.Host;
        var listener = new HttpListener();
        try
        {
            listener.Prefixes.Add($"http://{host}:{port}/");
            listener.Start();
            return new HealthEndpoint(listener, port, live, ready);
        }
        catch (Exception e) when (e is HttpListenerException or System.Net.Sockets.SocketException or ArgumentException)
        {
            listener.Close();
            throw new UserErrorException(
                $"The health endpoint cannot listen on {settings.Host}:{port} ({e.Message}). Set splitfrozen.health.host and splitfrozen.health.port to a free address of this machine, or the port to off.", e);
        }
    }

    /// <summary>Stops listening.</summary>
    public void Dispose()
    {
        // Not the other way round: a listener that is closed just as someone begins to wait for a request may leave him waiting for ever.
        _closed.TrySetResult();
        _thread.Join();
        _listener.Close();
    }

    private static int FreePort()
    {
        using var probe = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    private void Serve()
    {
        while (_listener.IsListening)
        {
            try
            {
                var request = _listener.GetContextAsync();
                if (Task.WaitAny(_closed.Task, request) == 0)
                {
                    return;
                }

                Answer(request.GetAwaiter().GetResult());
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException or InvalidOperationException)
            {
                // The peer has gone.
            }
        }
    }

    private void Answer(HttpListenerContext context)
    {
        var health = context.Request.Url?.AbsolutePath switch
        {
            "/live" => _live(),
            "/ready" => _ready(),
            _ => (Health?)null,
        };
        using var response = context.Response;
        response.StatusCode = health switch { null => 404, { IsGood: true } => 200, _ => 503 };
        response.ContentType = "text/plain; charset=utf-8";
        response.OutputStream.Write(Encoding.UTF8.GetBytes((health?.Text ?? "ask for /live or /ready") + "\n"));
    }
}
