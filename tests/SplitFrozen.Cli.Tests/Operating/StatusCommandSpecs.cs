using System.Text.Json.Nodes;

using SplitFrozen.Actors.Control;
using SplitFrozen.Cli.Tests.Support;
using SplitFrozen.Domain.Control;

namespace SplitFrozen.Cli.Tests.Operating;

/// <summary>What `status` shows of a server that answers.</summary>
public sealed class StatusCommandSpecs : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly ProgramUnderTest _program = new();
    private int _asked;

    public void Dispose() => _program.Dispose();

    [Fact]
    public async Task Should_watch_until_the_server_does_not_answer()
    {
        using var server = Listen(answers: 3);
        var watching = _program.RunAsync("status", "--server", $"127.0.0.1:{server.Endpoint.Port}", "--json", "--watch");
        PassTimeUntil(() => watching.IsCompleted);

        Assert.Equal(ExitCode.Done, await watching);
        var lines = _program.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonNode.Parse(l)!).ToList();
        Assert.Equal([1, 2, 3], lines.Select(l => l["progress"]!["step"]!.GetValue<int>()));
        Assert.All(lines, l => Assert.Equal(["server", "standby"], l["nodes"]!.AsArray().Select(n => n!["role"]!.GetValue<string>())));
        Assert.Contains($"127.0.0.1:{server.Endpoint.Port} does not answer any more", _program.Error, StringComparison.Ordinal);
        Assert.Equal(4, _asked);
    }

    [Fact]
    public async Task Should_watch_until_it_is_told_to_stop()
    {
        using var server = Listen(answers: int.MaxValue);
        var watching = _program.RunAsync("status", "--server", $"127.0.0.1:{server.Endpoint.Port}", "--watch");
        PassTimeUntil(() => Volatile.Read(ref _asked) >= 2);
        _program.Stop.Request();

        Assert.Equal(ExitCode.Done, await watching.WaitAsync(Limit));
        Assert.Contains("standby", _program.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Should_ask_once_without_watch()
    {
        using var server = Listen(answers: 1);

        Assert.Equal(ExitCode.Done, await _program.RunAsync("status", "--server", $"127.0.0.1:{server.Endpoint.Port}", "--json"));
        Assert.Equal(1, JsonNode.Parse(_program.Output)!["progress"]!["step"]!.GetValue<int>());
        Assert.Equal(1, _asked);
    }

    /// <summary>Time passes only here: the command waits for it by the program's clock.</summary>
    private void PassTimeUntil(Func<bool> condition) => Assert.True(
        SpinWait.SpinUntil(
            () =>
            {
                _program.Time.Advance(Interval);
                return condition();
            },
            Limit));

    /// <summary>A server whose training is a step further each time it is asked, and which then refuses.</summary>
    private ControlListener Listen(int answers) => new("127.0.0.1", 0, "/runs/a", null, _ => Answer(answers), text => Assert.Fail(text));

    private ControlReply Answer(int answers)
    {
        var step = Interlocked.Increment(ref _asked);
        return step > answers ? new ControlReply("it ends", null) : ControlListener.Done(new ClusterStatus(
            "a", "training", new ProgressStatus(0, 2, step, 10, step * 16, 320, null, null), new QueueStatus(0, 0, 3, 0, 0, null), new AllocationStatus("static", 1, false),
            [new NodeStatus("server", "server", "127.0.0.1:4053", "up", 0), new NodeStatus("standby", "standby", "127.0.0.1:4055", "up", 0)], [], []));
    }
}
