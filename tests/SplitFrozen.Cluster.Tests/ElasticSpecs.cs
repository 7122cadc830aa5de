using System.Net;
using System.Text.Json.Nodes;

using SplitFrozen.Cluster.Tests.Support;

namespace SplitFrozen.Cluster.Tests;

/// <summary>Nodes that come, go, are drained and are killed while real processes train; what is learned stays the same.</summary>
public sealed class ElasticSpecs
{
    /// <summary>A run of some seconds on devices of unequal rates; lost nodes are noticed soon.</summary>
    private const string Slow = "training.epochs = 14, start.limit = 60s, store.mode = off";

    private const string Watchful = """
        akka.cluster.failure-detector.acceptable-heartbeat-pause = 3s
        akka.cluster.split-brain-resolver.stable-after = 3s
        """;

    [Fact(DisplayName = "Layers that follow drifting rates give the losses and the adapter of one process, with the real small model")]
    public async Task Should_reallocate_the_real_model()
    {
        using var place = new Workplace("""
            model.cut = 4, training.epochs = 6, data.devices = 3, store.mode = off
            allocation { interval = 100ms, hysteresis = 0, cool-down = 0s }
            device.heartbeat-interval = 50ms
            """);
        const string Nodes = "splitfrozen.nodes=[{ name = a, gigaflops = 0.1 }, { name = b, gigaflops = 0.1, changes = [\"0.3s 0.03\", \"1.5s 0.1\", \"2.5s 0.05\"] }]";
        var (code, output) = await place.RunAsync("train", "--run", place.At("live"), "--set", Nodes);
        var (alone, _) = await place.RunAsync("train", "--run", place.At("alone"), "--method", "cenlora", "--lora-from", "4");

        Assert.True(code == 0, output);
        Assert.Equal(0, alone);
        Assert.True(place.Events("live", "layers_assigned").Count > 5, output);
        Assert.NotEmpty(place.Events("live", "capacity_measured"));
        Assert.Equal(place.Losses("alone"), place.Losses("live"));
        Assert.Equal(place.Summary<string>("alone", "adapter_sha256"), place.Summary<string>("live", "adapter_sha256"));

        // What the run recorded is a trace that a policy can be tried on.
        var replay = await place.RunBareAsync("allocation", "replay", place.At("live", "metrics.jsonl"), "--config", place.Configuration, "--policy", "balanced", "--json");
        Assert.True(replay.Code == 0, replay.Output);
    }

    [Fact(DisplayName = "Shared devices spread from two nodes to four and back to two, one of them drained, and every sample is trained once")]
    public async Task Should_scale_up_and_down()
    {
        using var place = new Workplace($"{Slow}, data.devices = 4", Watchful);
        var server = place.Start("server", "--run", place.At("scaled"));
        var address = await Workplace.AddressAsync(server);
        var nodes = new Dictionary<string, SplitFrozenProcess>();
        foreach (var name in (string[])["a", "b"])
        {
            nodes[name] = place.StartNode(address, name, 0.04);
        }

        await place.StatusAsync(server, s => s["progress"]!["step"]!.GetValue<int>() >= 2);
        foreach (var name in (string[])["c", "d"])
        {
            nodes[name] = place.StartNode(address, name, 0.04);
        }

        await place.StatusAsync(server, s => Homes(s).Count == 4);
        var drained = await place.RunBareAsync("drain", "c");
        Assert.True(drained.Code == 0, drained.Output);
        Assert.Equal(0, await nodes["c"].ExitAsync());
        Assert.Contains("the node was drained", nodes["c"].Output, StringComparison.Ordinal);
        nodes["d"].Signal("TERM");
        Assert.Equal(130, await nodes["d"].ExitAsync());
        await place.StatusAsync(server, s => Homes(s).Order().SequenceEqual(["a", "b"]));

        Assert.Equal(0, await server.ExitAsync());
        Assert.Equal((0, 0), (await nodes["a"].ExitAsync(), await nodes["b"].ExitAsync()));
        var (alone, output) = await place.RunAsync("train", "--run", place.At("alone"), "--method", "cenlora", "--lora-from", "2");
        Assert.True(alone == 0, output);
        Assert.Equal(place.Losses("alone"), place.Losses("scaled"));
        Assert.Equal(place.Summary<string>("alone", "adapter_sha256"), place.Summary<string>("scaled", "adapter_sha256"));
        Assert.Equal(place.Summary<long>("scaled", "samples_expected"), place.Summary<long>("scaled", "samples_trained"));
    }

    [Fact(DisplayName = "A device process that is killed and started again goes on where it was, and the adapter is that of a run without it")]
    public async Task Should_survive_a_killed_device()
    {
        using var place = new Workplace(Slow, Watchful);
        var server = place.Start("server", "--run", place.At("killed"));
        var address = await Workplace.AddressAsync(server);
        SplitFrozenProcess Device(int part) => place.StartDevice(
            address, $"device-{part}", "--set", $"splitfrozen.device.partition={part}", "--set", "splitfrozen.device.profile.gigaflops=0.04");
        var first = Device(0);
        var second = Device(1);
        await place.StatusAsync(server, s => s["progress"]!["step"]!.GetValue<int>() >= 2);
        second.Signal("KILL");
        await second.ExitAsync();
        var again = Device(1);

        Assert.True(await server.ExitAsync() == 0, server.Output);
        Assert.Equal((0, 0), (await first.ExitAsync(), await again.ExitAsync()));
        var (alone, output) = await place.RunAsync("train", "--run", place.At("alone"), "--method", "cenlora", "--lora-from", "2");
        Assert.True(alone == 0, output);
        Assert.Equal(place.Losses("alone"), place.Losses("killed"));
        Assert.Equal(place.Summary<string>("alone", "adapter_sha256"), place.Summary<string>("killed", "adapter_sha256"));
    }

    [Fact(DisplayName = "Operators see a running cluster, set layers, pause and explain; what cannot be done is refused in words")]
    public async Task Should_take_commands()
    {
        var (listener, port) = Workplace.TakePort();
        listener.Stop();
        using var place = new Workplace($"health.port = {port}, training.epochs = 5000, model.cut = 4, nodes = [{{ name = a, gigaflops = 0.1 }}, {{ name = b, gigaflops = 0.1 }}]");
        Assert.Equal(2, (await place.RunBareAsync("status")).Code);
        var run = place.Start("train", "--run", place.At("watched"));
        await place.StatusAsync(run, s => s["progress"]!["step"]!.GetValue<int>() >= 2);

        using var http = new HttpClient();
        Assert.Equal("alive\n", await http.GetStringAsync($"http://127.0.0.1:{port}/live"));
        Assert.Equal("this node is up\n", await http.GetStringAsync($"http://127.0.0.1:{port}/ready"));
        using var missing = await http.GetAsync($"http://127.0.0.1:{port}/");
        Assert.Equal(HttpStatusCode.NotFound, missing.StatusCode);
        var text = await place.RunBareAsync("status");
        Assert.Contains("device-1", text.Output, StringComparison.Ordinal);
        var dry = await place.RunBareAsync("allocation", "set", "device-1=2", "--dry-run");
        Assert.Contains("would get 2 layers", dry.Output, StringComparison.Ordinal);
        Assert.Equal(0, (await place.RunBareAsync("allocation", "set", "device-1=2")).Code);
        await place.StatusAsync(run, s => s["devices"]!.AsArray().Any(d => d!["device"]!.GetValue<string>() == "device-1" && d["layers"]!.GetValue<int>() == 2 && d["is_loaded"]!.GetValue<bool>()));
        Assert.Contains("paused", (await place.RunBareAsync("allocation", "pause")).Output, StringComparison.Ordinal);
        Assert.Contains("already paused", (await place.RunBareAsync("allocation", "pause")).Output, StringComparison.Ordinal);
        Assert.Contains("under way", (await place.RunBareAsync("allocation", "resume")).Output, StringComparison.Ordinal);
        Assert.Contains("2 by `allocation set`", (await place.RunBareAsync("allocation", "explain")).Output, StringComparison.Ordinal);

        foreach (var (command, why) in new[]
        {
            ("allocation set device-7=2", "No device device-7"), ("allocation set device-1=5", "outside 1 to 4"), ("allocation set device-1", "DEVICE=LAYERS"),
            ("drain z", "no device node z"), ("drain server", "is a server"), ("status --server 127.0.0.1:1", "No server answers"),
        })
        {
            var (code, output) = await place.RunBareAsync(command.Split(' '));
            Assert.Equal(2, code);
            Assert.Contains(why, output.ReplaceLineEndings(" "), StringComparison.Ordinal);
        }

        run.Signal("TERM");
        Assert.Equal(130, await run.ExitAsync());
        Assert.Empty(Directory.GetFiles(place.At("control")));
    }

    private static HashSet<string> Homes(JsonNode status) =>
        [.. status["devices"]!.AsArray().Where(d => d!["state"]!.GetValue<string>() is not "lost").Select(d => d!["node"]!.GetValue<string>())];
}
