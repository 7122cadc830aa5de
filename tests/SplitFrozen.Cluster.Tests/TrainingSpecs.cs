using System.Text.Json.Nodes;

using SplitFrozen.Cluster.Tests.Support;

namespace SplitFrozen.Cluster.Tests;

/// <summary>Runs over real processes on loopback.</summary>
public sealed class TrainingSpecs
{
    [Fact(DisplayName = "A server and two device processes give the losses and the adapter of one process with all the data")]
    public async Task Should_train_over_processes()
    {
        using var place = new Workplace();
        var server = place.Start("server", "--run", place.At("apart"));
        var address = await Workplace.AddressAsync(server);
        var first = place.StartDevice(address, "device-0", "--set", "splitfrozen.device.partition=0");
        var second = place.StartDevice(address, "device-1", "--set", "splitfrozen.device.partition=1", "--set", "splitfrozen.device.profile.gigaflops=0.02");
        var codes = new[] { await server.ExitAsync(), await first.ExitAsync(), await second.ExitAsync() };
        var (alone, output) = await place.RunAsync("train", "--run", place.At("alone"), "--method", "cenlora", "--lora-from", "2");

        Assert.Equal([0, 0, 0], codes);
        Assert.True(alone == 0, output);
        Assert.Contains("The run is over.", first.Output, StringComparison.Ordinal);
        Assert.Equal(12, place.Losses("alone").Count);
        Assert.Equal(place.Losses("alone"), place.Losses("apart"));
        Assert.Equal(place.Summary<string>("alone", "adapter_sha256"), place.Summary<string>("apart", "adapter_sha256"));
        Assert.Equal(place.Summary<long>("apart", "samples_expected"), place.Summary<long>("apart", "samples_trained"));
    }

    [Fact(DisplayName = "One command trains ten devices on four nodes with plain lines, and eval scores what it left")]
    public async Task Should_train_on_one_machine()
    {
        using var place = new Workplace("nodes = [{ name = a }, { name = b, gigaflops = 0.2 }, { name = c }, { name = d, gigaflops = 0.05 }], data.devices = 10");
        var (cluster, output) = await place.RunAsync("train", "--run", place.At("cluster"));
        var (alone, _) = await place.RunAsync("train", "--run", place.At("alone"), "--method", "cenlora", "--lora-from", "2");
        using var scored = SplitFrozenProcess.Start(place.Folder, "eval", place.At("cluster"), "--json");

        Assert.Equal((0, 0, 0), (cluster, alone, await scored.ExitAsync()));
        Assert.Equal(place.Summary<string>("alone", "adapter_sha256"), place.Summary<string>("cluster", "adapter_sha256"));
        Assert.DoesNotContain('\u001b', output);
        Assert.Contains("device-9 on ", output, StringComparison.Ordinal);
        Assert.Contains($"\"accuracy\": {place.Summary<double>("cluster", "accuracy_after"):R}", scored.Output, StringComparison.Ordinal);
    }

    [Fact(DisplayName = "Devices that hold weights as stored give the losses and the adapter of devices that hold them expanded")]
    public async Task Should_train_the_same_with_weights_as_stored()
    {
        using var place = new Workplace("model.path = \"bundled:tiny-gpt2\", training.epochs = 1");
        var (expanded, output) = await place.RunAsync("train", "--run", place.At("expanded"));
        var (stored, more) = await place.RunAsync("train", "--run", place.At("stored"), "--set", "splitfrozen.device.weights=as-stored");

        Assert.True(expanded == 0, output);
        Assert.True(stored == 0, more);
        Assert.Equal(place.Losses("expanded"), place.Losses("stored"));
        Assert.Equal(place.Summary<string>("expanded", "adapter_sha256"), place.Summary<string>("stored", "adapter_sha256"));
    }

    [Fact(DisplayName = "A device process of the benchmark of memory reports fewer bytes with weights as stored")]
    public async Task Should_report_memory()
    {
        using var place = new Workplace();
        var bytes = new Dictionary<string, long>();
        foreach (var weights in (string[])["Expanded", "AsStored"])
        {
            using var process = SplitFrozenProcess.Start(
                place.Folder, "bench-memory", "--model", Path.Combine(SplitFrozenProcess.Repository, "assets", "models", "tiny-gpt2"), "--blocks", "4", "--weights", weights);
            Assert.Equal(0, await process.ExitAsync());
            var report = JsonNode.Parse(process.Output)!;
            bytes[weights] = report["weight_bytes"]!.GetValue<long>();
            Assert.True(report["peak_bytes"]!.GetValue<long>() > report["start_bytes"]!.GetValue<long>());
        }

        Assert.InRange(bytes["AsStored"], bytes["Expanded"] / 2, bytes["Expanded"] * 6 / 10);
    }

    [Theory(DisplayName = "A method in which devices train gives the same over processes as on one machine; a device set to another method is refused")]
    [InlineData("fedlora")]
    [InlineData("splitlora")]
    public async Task Should_train_on_devices_over_processes(string method)
    {
        using var place = new Workplace();
        var server = place.Start("server", "--run", place.At("apart"), "--method", method);
        var address = await Workplace.AddressAsync(server);
        var other = place.StartDevice(address, "device-0", "--set", "splitfrozen.device.partition=0");
        var refused = await other.ExitAsync();
        var first = place.StartDevice(address, "device-0", "--method", method, "--set", "splitfrozen.device.partition=0");
        var second = place.StartDevice(address, "device-1", "--method", method, "--set", "splitfrozen.device.partition=1");
        var codes = new[] { await server.ExitAsync(), await first.ExitAsync(), await second.ExitAsync() };
        var (together, output) = await place.RunAsync("train", "--run", place.At("together"), "--method", method);

        Assert.Equal(2, refused);
        Assert.Contains("splitfrozen.training.method", other.Output, StringComparison.Ordinal);
        Assert.Equal([0, 0, 0], codes);
        Assert.True(together == 0, output);
        Assert.Equal(place.Losses("together"), place.Losses("apart"));
        Assert.Equal(place.Summary<string>("together", "adapter_sha256"), place.Summary<string>("apart", "adapter_sha256"));
    }

    [Theory(DisplayName = "Ctrl-C ends a run in order, with a checkpoint, and the code 130")]
    [InlineData("splitfrozen")]
    [InlineData("cenlora")]
    public async Task Should_stop_in_order(string method)
    {
        using var place = new Workplace("training.epochs = 5000");
        var run = place.Start("train", "--run", place.At("stopped"), "--method", method);
        await run.LineAsync(l => l.StartsWith("accuracy", StringComparison.Ordinal) && l.Contains("after epoch 1", StringComparison.Ordinal));
        run.Interrupt();

        Assert.Equal(130, await run.ExitAsync());
        Assert.Contains("finishing the batch at hand", run.Output, StringComparison.Ordinal);
        Assert.False(place.Summary<bool>("stopped", "completed"));
        var checkpoint = Assert.Single(Directory.GetDirectories(place.At("stopped", "checkpoint")));
        Assert.Equal(
            File.ReadAllBytes(Path.Combine(checkpoint, "adapter", "adapter_model.safetensors")),
            File.ReadAllBytes(place.At("stopped", "adapter", "adapter_model.safetensors")));
    }
}
