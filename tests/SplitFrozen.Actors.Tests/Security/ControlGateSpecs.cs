using Akka.Actor;

using SplitFrozen.Actors.Security;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Protocol;

using Xunit;

namespace SplitFrozen.Actors.Tests.Security;

/// <summary>How much a device's node may say.</summary>
public sealed class ControlGateSpecs
{
    private static readonly Address Node = new("akka.tcp", "run", "10.0.0.8", 4053);
    private static readonly Address Other = new("akka.tcp", "run", "10.0.0.9", 4053);
    private static readonly DeviceId Phone = new("phone");

    private readonly SetTime _time = new();

    [Fact(DisplayName = "Ten seconds' worth of messages pass at once, then as many a second as are allowed; another node is not held up")]
    public void Should_limit_the_rate()
    {
        var gate = new ControlGate(LimitSettings.Default with { MessagesPerSecond = 10 }, _time);
        for (var message = 0; message < 100; message++)
        {
            Assert.Null(gate.Refusal(Node, Phone));
        }

        Assert.Contains("messages-per-second", gate.Refusal(Node, Phone), StringComparison.Ordinal);
        Assert.Null(gate.Refusal(Other, Phone));
        _time.Now += TimeSpan.FromSeconds(1);
        Assert.All(Enumerable.Range(0, 10), _ => Assert.Null(gate.Refusal(Node, Phone)));
        Assert.NotNull(gate.Refusal(Node, Phone));
    }

    [Fact(DisplayName = "A node with more devices may say more")]
    public void Should_allow_for_devices()
    {
        var gate = new ControlGate(LimitSettings.Default with { MessagesPerSecond = 10 }, _time);
        DeviceId[] devices = [.. Enumerable.Range(0, 5).Select(i => new DeviceId($"device-{i}"))];
        foreach (var device in devices)
        {
            Assert.Null(gate.Refusal(Node, device));
        }

        _time.Now += TimeSpan.FromMinutes(1);
        Assert.All(Enumerable.Range(0, 500), i => Assert.Null(gate.Refusal(Node, devices[i % 5])));
        Assert.NotNull(gate.Refusal(Node, devices[0]));
    }

    [Fact(DisplayName = "A node that speaks for more devices than it may is refused for those beyond, until it leaves")]
    public void Should_limit_devices()
    {
        var gate = new ControlGate(LimitSettings.Default with { DevicesPerNode = 2 }, _time);
        Assert.Null(gate.Refusal(Node, new DeviceId("a")));
        Assert.Null(gate.Refusal(Node, new DeviceId("b")));

        Assert.Contains("more than 2 devices", gate.Refusal(Node, new DeviceId("c")), StringComparison.Ordinal);
        Assert.Null(gate.Refusal(Node, new DeviceId("a")));
        gate.Forget(Node);
        Assert.Null(gate.Refusal(Node, new DeviceId("c")));
    }

    [Fact(DisplayName = "An honest device with the shortest heartbeat stays far below the limits")]
    public void Should_not_hinder_the_honest()
    {
        var gate = new ControlGate(LimitSettings.Default, _time);
        for (var beat = 0; beat < 60_000; beat++)
        {
            _time.Now += TimeSpan.FromMilliseconds(10);
            Assert.Null(gate.Refusal(Node, Phone));
            Assert.Null(gate.Refusal(Node, Phone));
        }
    }

    /// <summary>A clock that a test sets.</summary>
    private sealed class SetTime : TimeProvider
    {
        public TimeSpan Now { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;
    }
}
