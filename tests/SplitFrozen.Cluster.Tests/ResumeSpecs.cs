using System.Text.Json.Nodes;

using SplitFrozen.Cluster.Tests.Support;

namespace SplitFrozen.Cluster.Tests;

/// <summary>Real processes that are killed and go on.</summary>
public sealed class ResumeSpecs
{
    private const string Settings = "training.epochs = 6, training.checkpoint-steps = 5";

    [Fact(DisplayName = "A training that is killed (SIGKILL) and resumed ends with the losses and the adapter of one that was not, and its ledger proves it")]
    public async Task Should_resume_a_killed_training()
    {
        using var place = new Workplace(Settings);
        var killed = place.Start("train", "--run", place.At("killed"));
        await killed.LineAsync(l => l.StartsWith("accuracy", StringComparison.Ordinal) && l.Contains("after epoch 2", StringComparison.Ordinal));
        killed.Kill();
        await killed.ExitAsync();
        var changed = place.Start("train", "--resume", place.At("killed"), "--seed", "2");
        var refused = await changed.ExitAsync();
        var (resumed, output) = await place.RunOwnAsync("train", "--resume", place.At("killed"));
        var (whole, _) = await place.RunAsync("train", "--run", place.At("whole"));
        var (check, proof) = await place.RunOwnAsync("ledger", "check", place.At("killed"), "--json");

        Assert.Equal(2, refused);
        Assert.Contains("splitfrozen.training.seed was 1 and is 2", changed.Output, StringComparison.Ordinal);
        Assert.True(resumed == 0, output);
        Assert.Equal((0, 0), (whole, check));
        Assert.Contains("resume    after step ", output, StringComparison.Ordinal);
        Assert.Equal(place.Losses("whole"), place.Losses("killed"));
        Assert.Equal(File.ReadAllBytes(place.At("whole", "adapter", "adapter_model.safetensors")), File.ReadAllBytes(place.At("killed", "adapter", "adapter_model.safetensors")));
        Assert.Equal(File.ReadAllBytes(place.At("whole", "ledger.txt")), File.ReadAllBytes(place.At("killed", "ledger.txt")));
        Assert.Equal(6, JsonNode.Parse(proof)!["epochs"]!.AsArray().Count);
        Assert.Equal(1, place.Summary<int>("killed", "resumes"));
    }

    [Fact(DisplayName = "A server that is killed and resumed finds its devices again, which were not started anew: the adapter is that of a run without it")]
    public async Task Should_resume_a_killed_server_with_the_devices_that_are_there()
    {
        using var place = new Workplace(Settings);
        var (cluster, channel) = (Workplace.FreePort(), Workplace.FreePort());
        string[] ports = ["--set", $"splitfrozen.cluster.port={cluster}", "--set", $"splitfrozen.channel.port={channel}"];
        string[] quick =
        [
            "--set", "akka.cluster.failure-detector.acceptable-heartbeat-pause=3s", "--set", "akka.cluster.split-brain-resolver.stable-after=2s",
        ];
        var server = place.Start("server", ["--run", place.At("killed"), .. ports, .. quick]);
        await Workplace.AddressAsync(server);
        var devices = new[] { 0, 1 }.Select(part => place.StartDevice(
            $"127.0.0.1:{cluster}", $"device-{part}", ["--set", $"splitfrozen.device.partition={part}", .. quick])).ToList();
        await server.LineAsync(l => l.StartsWith("accuracy", StringComparison.Ordinal) && l.Contains("after epoch 2", StringComparison.Ordinal));
        server.Kill();
        await server.ExitAsync();
        var (resumed, output) = await place.RunOwnAsync("server", "--resume", place.At("killed"));
        var codes = new[] { await devices[0].ExitAsync(), await devices[1].ExitAsync() };
        var (whole, _) = await place.RunAsync("train", "--run", place.At("whole"));

        Assert.True(resumed == 0, output);
        Assert.Equal([0, 0], codes);
        Assert.Contains(devices, device => device.Output.Contains("joins again", StringComparison.Ordinal));
        Assert.Equal(0, whole);
        Assert.Equal(place.Losses("whole"), place.Losses("killed"));
        Assert.Equal(place.Summary<string>("whole", "adapter_sha256"), place.Summary<string>("killed", "adapter_sha256"));
    }
}
