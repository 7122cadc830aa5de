using SplitFrozen.Cluster.Tests.Support;

namespace SplitFrozen.Cluster.Tests;

/// <summary>Trainer stages on a server process of their own.</summary>
public sealed class ServerSpecs
{
    [Fact(DisplayName = "A server process that holds a stage is killed and another takes over: the losses and the adapter of one process")]
    public async Task Should_survive_a_killed_server()
    {
        using var place = new Workplace("training.epochs = 20, data.devices = 1, pipeline.stages = 2, start.servers = 2, server.take-over = spare");
        string[] quick = ["--set", "akka.cluster.failure-detector.acceptable-heartbeat-pause=2s", "--set", "akka.cluster.split-brain-resolver.stable-after=2s"];
        var main = place.Start("server", ["--run", place.At("apart"), .. quick]);
        var address = await Workplace.AddressAsync(main);
        var second = place.Start("server", ["--join", address, "--set", "splitfrozen.server.profile.name=second", .. quick]);
        var device = place.StartDevice(address, "device-0", ["--set", "splitfrozen.device.partition=0", .. quick]);
        await main.LineAsync(l => l.Contains("after epoch 1", StringComparison.Ordinal));
        second.Kill();
        var third = place.Start("server", ["--join", address, "--set", "splitfrozen.server.profile.name=third", .. quick]);
        var codes = new[] { await main.ExitAsync(), await device.ExitAsync(), await third.ExitAsync() };
        var (alone, output) = await place.RunAsync("train", "--run", place.At("alone"), "--method", "cenlora", "--lora-from", "2", "--set", "splitfrozen.pipeline.stages=1", "--set", "splitfrozen.start.servers=1");

        Assert.True(codes is [0, 0, 0], main.Output);
        Assert.True(alone == 0, output);
        Assert.Contains(main.Output.Split('\n'), l => l.StartsWith("stage     1: blocks", StringComparison.Ordinal) && l.EndsWith("on third", StringComparison.Ordinal));
        Assert.Contains("second: was lost", main.Output, StringComparison.Ordinal);
        Assert.Equal(place.Losses("alone"), place.Losses("apart"));
        Assert.Equal(place.Summary<string>("alone", "adapter_sha256"), place.Summary<string>("apart", "adapter_sha256"));
    }
}
