using SplitFrozen.Cluster.Tests.Support;

namespace SplitFrozen.Cluster.Tests;

/// <summary>Standby servers in processes of their own.</summary>
public sealed class StandbySpecs
{
    private static readonly string[] Quick =
    [
        "--set", "splitfrozen.cluster.standby=on", "--set", "splitfrozen.server.lease=2s",
        "--set", "akka.cluster.failure-detector.acceptable-heartbeat-pause=3s", "--set", "akka.cluster.split-brain-resolver.stable-after=2s",
    ];

    [Fact(DisplayName = "A server is killed (SIGKILL) and a standby takes over; that one is stopped (SIGSTOP), another takes over, and what was stopped wakes and writes nothing: the adapter of a run without that")]
    public async Task Should_take_over_twice()
    {
        using var place = new Workplace("training.epochs = 30, training.checkpoint-steps = 5");
        var ports = Enumerable.Range(0, 3).Select(_ => (Cluster: Workplace.FreePort(), Channel: Workplace.FreePort())).ToList();
        string Seeds(params int[] servers) => $"splitfrozen.cluster.seed-nodes=[{string.Join(", ", servers.Select(s => $"\"127.0.0.1:{ports[s].Cluster}\""))}]";
        string[] Own(int server) => ["--set", $"splitfrozen.cluster.port={ports[server].Cluster}", "--set", $"splitfrozen.channel.port={ports[server].Channel}"];
        SplitFrozenProcess StandBy(int server, int active) =>
            place.Start("server", ["--standby", place.At("run"), .. Own(server), "--set", Seeds(active), .. Quick]);

        var first = place.Start("server", ["--run", place.At("run"), .. Own(0), .. Quick]);
        await Workplace.AddressAsync(first);
        var second = StandBy(1, active: 0);
        await first.LineAsync(l => l.Contains("standby joined as standby", StringComparison.Ordinal));
        var devices = new[] { 0, 1 }.Select(part => place.Start("device", [
            "--id", $"device-{part}", "--set", $"splitfrozen.device.partition={part}", "--set", Seeds(0, 1, 2), .. Quick])).ToList();
        await first.LineAsync(l => l.Contains("after epoch 1", StringComparison.Ordinal));
        var status = await place.StatusAsync(first, _ => true);
        first.Kill();
        var third = StandBy(2, active: 1);
        await second.LineAsync(l => l.Contains("standby joined as standby", StringComparison.Ordinal));
        await second.LineAsync(l => l.Contains("after epoch", StringComparison.Ordinal));
        second.Signal("STOP");
        await third.LineAsync(l => l.Contains("after epoch", StringComparison.Ordinal));
        second.Signal("CONT");
        var fenced = await second.ExitAsync();
        var code = await third.ExitAsync();
        var codes = new[] { await devices[0].ExitAsync(), await devices[1].ExitAsync() };
        var (whole, output) = await place.RunAsync("train", "--run", place.At("whole"));

        Assert.Contains(status["nodes"]!.AsArray(), n => n!["role"]!.GetValue<string>() == "standby");
        Assert.True(code == 0, third.Output);
        Assert.Equal([0, 0], codes);
        Assert.Equal(7, fenced);
        Assert.Contains("Another server has taken over the run", second.Output, StringComparison.Ordinal);
        Assert.True(whole == 0, output);
        Assert.Equal(place.Losses("whole"), place.Losses("run"));
        Assert.Equal(place.Summary<string>("whole", "adapter_sha256"), place.Summary<string>("run", "adapter_sha256"));
        Assert.Equal(File.ReadAllBytes(place.At("whole", "ledger.txt")), File.ReadAllBytes(place.At("run", "ledger.txt")));

        // A server that was stopped before its first checkpoint is not counted.
        Assert.InRange(place.Summary<int>("run", "resumes"), 1, 2);
    }
}
