using System.Globalization;

namespace SplitFrozen.Cluster.Tests.Support;

/// <summary>A server process and two device processes, each of which is started again when it was made to end.</summary>
internal sealed class Fleet : IAsyncDisposable
{
    /// <summary>Loss is noticed within seconds.</summary>
    public const string QuickLoss = """
        akka.cluster.failure-detector.acceptable-heartbeat-pause = 2s
        akka.cluster.split-brain-resolver.stable-after = 2s
        """;

    private readonly Workplace _place;
    private readonly string _run;
    private readonly RunWatch _watch;
    private readonly string[] _ports;
    private readonly string _address;
    private readonly Dictionary<string, SplitFrozenProcess> _devices = [];

    public Fleet(Workplace place, string run)
    {
        (_place, _run) = (place, run);
        var port = Workplace.FreePort();
        _address = $"127.0.0.1:{port}";
        _ports = ["--set", $"splitfrozen.cluster.port={port}"];
        Server = place.Start("server", ["--run", place.At(run), .. _ports]);
        _watch = new RunWatch(place.At(run));
        foreach (var name in (string[])["device-0", "device-1"])
        {
            StartDevice(name);
        }
    }

    /// <summary>The server's present process.</summary>
    public SplitFrozenProcess Server { get; private set; }

    /// <summary>Waits until so many steps were made.</summary>
    /// <returns>false where the run ended before.</returns>
    public Task<bool> ReachAsync(int steps) => _watch.UntilAsync(() => _watch.Steps >= steps, Server);

    /// <summary>Sends a signal to a process. One that is halted goes on after a time, one that ends is started again.</summary>
    public async Task StrikeAsync(string role, string signal, double seconds)
    {
        var process = role == "server" ? Server : _devices[role];
        process.Signal(signal);
        if (signal == "STOP")
        {
            await Task.Delay(TimeSpan.FromSeconds(seconds));
            process.Signal("CONT");
            return;
        }

        await process.ExitAsync();
        if (role == "server")
        {
            Server = _place.StartOwn(["server", "--resume", _place.At(_run), .. _ports]);
        }
        else
        {
            StartDevice(role);
        }
    }

    /// <summary>Waits until the run is over, and no process has ended otherwise than in order.</summary>
    public async Task EndAsync()
    {
        Assert.True(await Server.ExitAsync() == 0, Server.Output);
        foreach (var device in _devices.Values)
        {
            Assert.True(await device.ExitAsync() == 0, device.Output);
        }
    }

    public ValueTask DisposeAsync()
    {
        _watch.Dispose();
        return ValueTask.CompletedTask;
    }

    private void StartDevice(string name) => _devices[name] = _place.StartDevice(
        _address, name, "--set", string.Create(CultureInfo.InvariantCulture, $"splitfrozen.device.partition={name[^1]}"), "--set", "splitfrozen.device.profile.gigaflops=0.05");
}
