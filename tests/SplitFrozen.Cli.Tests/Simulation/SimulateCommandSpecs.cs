using System.Text.Json.Nodes;

using SplitFrozen.Cli.Tests.Support;

namespace SplitFrozen.Cli.Tests.Simulation;

public sealed class SimulateCommandSpecs : IDisposable
{
    private readonly ProgramUnderTest _program = new();

    public void Dispose() => _program.Dispose();

    [Fact]
    public async Task Should_simulate_a_made_up_fleet_and_repeat_by_seed()
    {
        using var again = new ProgramUnderTest();
        using var other = new ProgramUnderTest();

        var report = (await SimulateAsync(_program, "--devices", "40", "--batches", "5", "--seed", "3"))["report"]!;
        await SimulateAsync(again, "--devices", "40", "--batches", "5", "--seed", "3");
        await SimulateAsync(other, "--devices", "40", "--batches", "5", "--seed", "4");

        Assert.Equal((40, 200L), (report["devices"]!.GetValue<int>(), report["coverage"]!["trained"]!.GetValue<long>()));
        Assert.True(report["coverage"]!["exactly_once"]!.GetValue<bool>());
        Assert.Equal(["device", "link", "catch_up", "trainer"], report["lanes"]!.AsArray().Select(l => l!["kind"]!.GetValue<string>()));
        Assert.Equal(_program.Output, again.Output);
        Assert.NotEqual(_program.Output, other.Output);
    }

    [Fact]
    public async Task Should_simulate_the_nodes_and_data_of_a_configuration()
    {
        var file = _program.File("mine.conf", "splitfrozen { nodes = [{ name = a, gigaflops = 1 }, { name = b, gigaflops = 0.5 }], data.devices = 4, training { epochs = 2, batch-size = 8, micro-batch-size = 4 } }");

        var report = (await SimulateAsync(_program, "--config", file))["report"]!;

        Assert.Equal((2, 4, 4), (report["nodes"]!.GetValue<int>(), report["devices"]!.GetValue<int>(), report["cut"]!.GetValue<int>()));
        Assert.Equal([5, 5], report["epochs"]!.AsArray().Select(e => e!["steps"]!.GetValue<int>()));
    }

    [Theory]
    [InlineData("link-megabits = 0.001", 2)]
    [InlineData("link-latency = 500ms", 1.2)]
    [InlineData("changes = [\"0s 0.01\"]", 2)]
    public async Task Should_take_what_a_profile_says(string key, double slower)
    {
        using var other = new ProgramUnderTest();
        double Seconds(JsonNode outcome) => outcome["report"]!["total_seconds"]!.GetValue<double>();
        string Nodes(string more) => _program.File("mine.conf", $"splitfrozen {{ nodes = [{{ name = a, gigaflops = 1{more} }}], data.devices = 1, training.epochs = 1 }}");

        var plain = Seconds(await SimulateAsync(_program, "--config", Nodes("")));
        var slow = Seconds(await SimulateAsync(other, "--config", Nodes(", " + key)));

        Assert.True(slow > slower * plain, $"{slow} s with {key}, {plain} s without");
    }

    [Fact]
    public async Task Should_hold_a_node_to_its_memory_and_the_server_to_its_rate()
    {
        using var other = new ProgramUnderTest();
        string File(string memory, int server) => _program.File(
            $"mine-{server}.conf", $"splitfrozen {{ nodes = [{{ name = a, gigaflops = 1{memory} }}], data.devices = 1, training.epochs = 1, server.profile.gigaflops = {server} }}");

        var free = (await SimulateAsync(_program, "--config", File("", 100)))["report"]!;
        var bound = (await SimulateAsync(other, "--config", File(", memory = 1MiB", 1)))["report"]!;

        Assert.Equal((4, 1), (Layers(free), Layers(bound)));
        Assert.True(Trainer(bound) > 50 * Trainer(free), $"{Trainer(bound)} s of training at a hundredth of the rate, {Trainer(free)} s");

        static int Layers(JsonNode report) => report["layers"]!.AsArray().Single()!["layers"]!.GetValue<int>();
        static double Trainer(JsonNode report) => report["lanes"]!.AsArray().Single(l => l!["kind"]!.GetValue<string>() == "trainer")!["busy_seconds"]!.GetValue<double>();
    }

    [Fact]
    public async Task Should_read_profiles_and_their_changes()
    {
        var steady = _program.File("steady.csv", "device,gigaflops,link_mbit,samples\nfast,50,100,3\nslow,10,100,1\n");
        var drifting = _program.File("drifting.csv", "device,gigaflops,link_mbit,samples,time\nfast,50,100,3,\nslow,10,100,1,\nslow,0.05,,,0.5\n");
        using var other = new ProgramUnderTest();

        var before = (await SimulateAsync(_program, "--fleet", steady, "--batches", "10"))["report"]!;
        var after = (await SimulateAsync(other, "--fleet", drifting, "--batches", "10"))["report"]!;

        Assert.Equal(2, before["nodes"]!.GetValue<int>());
        Assert.True(after["total_seconds"]!.GetValue<double>() > before["total_seconds"]!.GetValue<double>());
    }

    [Fact]
    public async Task Should_compare_policies()
    {
        var output = await SimulateAsync(_program, "--devices", "10", "--batches", "5", "--sweep", "--reallocate", "1");

        Assert.Equal(
            ["static False", "proportional False", "proportional True", "balanced False", "balanced True"],
            output["sweep"]!.AsArray().Select(r => $"{r!["policy"]!.GetValue<string>()} {r["reallocates"]!.GetValue<bool>()}"));
    }

    [Fact]
    public async Task Should_put_devices_where_a_run_had_them_and_set_the_times_side_by_side()
    {
        var output = await SimulateRunAsync();

        var epochs = output["comparison"]!["epochs"]!.AsArray();
        Assert.Equal([6.0, 4.5], epochs.Select(e => e!["achieved_seconds"]!.GetValue<double>()));
        Assert.Equal(
            output["report"]!["epochs"]!.AsArray().Take(2).Select(e => e!["seconds"]!.GetValue<double>()),
            epochs.Select(e => e!["predicted_seconds"]!.GetValue<double>()));
    }

    [Fact]
    public async Task Should_take_the_activation_store_from_the_run()
    {
        var kept = (await SimulateRunAsync())["report"]!;
        using var second = new ProgramUnderTest();
        var none = (await SimulateRunAsync(second, [], "--set", "splitfrozen.store.mode=off"))["report"]!;
        using var third = new ProgramUnderTest();
        var half = kept["store"]!["memory_bytes"]!.GetValue<long>() / 2;
        var some = (await SimulateRunAsync(third, [], "--set", FormattableString.Invariant($"splitfrozen.store.memory-limit={half}")))["report"]!;

        var first = Bytes(kept)[0];
        Assert.True(first > 0);
        Assert.All(Bytes(kept).Skip(1), b => Assert.Equal(0, b));
        Assert.Equal(first, kept["traffic"]!["bytes"]!.GetValue<double>());
        Assert.All(Bytes(none), b => Assert.Equal(first, b));
        Assert.Null(none["store"]);
        Assert.InRange(some["store"]!["memory_bytes"]!.GetValue<long>(), 1, half);
        Assert.All(Bytes(some).Skip(1), b => Assert.InRange(b, 1, first - 1));
    }

    [Fact]
    public async Task Should_change_the_settings_of_a_run()
    {
        using var other = new ProgramUnderTest();

        var own = await SimulateRunAsync();
        var changed = await SimulateRunAsync(other, ["--store", "off", "--set", "splitfrozen.training.epochs=3"]);

        Assert.Equal([Bytes(own["report"]!)[0], 0, 0, 0, 0], Bytes(own["report"]!));
        Assert.Equal(Enumerable.Repeat(Bytes(own["report"]!)[0], 3), Bytes(changed["report"]!));
        Assert.Equal(
            own["comparison"]!["epochs"]!.AsArray().Select(e => e!["achieved_seconds"]!.GetValue<double>()),
            changed["comparison"]!["epochs"]!.AsArray().Select(e => e!["achieved_seconds"]!.GetValue<double>()));
    }

    [Fact]
    public async Task Should_simulate_the_store_that_is_asked_for()
    {
        string[] fleet = ["--devices", "20", "--batches", "5", "--epochs", "3"];
        using var second = new ProgramUnderTest();
        using var third = new ProgramUnderTest();

        var kept = (await SimulateAsync(_program, fleet))["report"]!;
        var none = (await SimulateAsync(second, [.. fleet, "--store", "off"]))["report"]!;
        var some = (await SimulateAsync(third, [.. fleet, "--store-memory", "1000000"]))["report"]!;

        Assert.Equal([0.0, 0.0], Bytes(kept).Skip(1));
        Assert.All(Bytes(none), b => Assert.Equal(Bytes(kept)[0], b));
        Assert.InRange(some["store"]!["memory_bytes"]!.GetValue<long>(), 1, 1_000_000);
        Assert.All(Bytes(some).Skip(1), b => Assert.InRange(b, 1, Bytes(kept)[0] - 1));
    }

    [Fact]
    public async Task Should_survive_crashes_and_show_them()
    {
        Assert.Equal(ExitCode.Done, await _program.RunAsync(
            "simulate", "--devices", "5", "--batches", "20", "--crash", "device-2@0.2+1", "--slow", "device-1@0.1-2*4", "--crash-rate", "500", "--down", "uniform:0.1:0.5"));

        Assert.Contains("nodes came back", _program.Output, StringComparison.Ordinal);
        Assert.Contains("each once an epoch", _program.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--gigaflops = fast is no distribution", "--gigaflops", "fast")]
    [InlineData("--devices = 0", "--devices", "0")]
    [InlineData("--shape = gpt9", "--shape", "gpt9")]
    [InlineData("--cut = 12 leaves nothing to train", "--cut", "12")]
    [InlineData("--crash = x", "--crash", "x")]
    [InlineData("--stages = 7", "--stages", "7")]
    [InlineData("splitfrozen.store.mode = tape", "--store", "tape")]
    [InlineData("splitfrozen.store.memory-limit = much", "--store-memory", "much")]
    [InlineData("names node nobody", "--crash", "nobody@1+1")]
    [InlineData("--slow = device-0@5-2*3", "--slow", "device-0@5-2*3")]
    [InlineData("nowhere.csv", "--fleet", "nowhere.csv")]
    [InlineData("--fleet describes other nodes", "--fleet", "a.csv", "--config", "CONFIG")]
    [InlineData("leave --config away", "--like", "nowhere", "--config", "CONFIG")]
    [InlineData("--gigaflops would not be read: --fleet gives the nodes", "--fleet", "a.csv", "--gigaflops", "5")]
    [InlineData("--batches would not be read: --config gives", "--config", "CONFIG", "--batches", "5")]
    [InlineData("--length would not be read: --like gives", "--like", "nowhere", "--length", "5")]
    [InlineData("--down would not be read: without --crash-rate", "--down", "5")]
    [InlineData("splitfrozen.training.method = fedlora", "--config", "CONFIG", "--set", "splitfrozen.training.method=fedlora")]
    [InlineData("uniform:LOW:HIGH (low first)", "--gigaflops", "uniform:60:5")]
    [InlineData("nowhere is not a run's folder", "--like", "nowhere")]
    [InlineData("splitfrozen.nodes names no device node", "--config", "CONFIG")]
    public async Task Should_refuse_what_it_cannot_use(string complaint, params string[] arguments)
    {
        var file = _program.File("empty.conf", "splitfrozen {\n  nodes = []\n}\n");

        Assert.Equal(ExitCode.BadInput, await _program.RunAsync(["simulate", .. arguments.Select(a => a == "CONFIG" ? file : a)]));

        Assert.Contains(complaint, _program.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("device,gigaflops,time\na,1,5\n", "line 2: the first row of a has a time above 0")]
    [InlineData("device,gigaflops,time\na,1,\na,2,0\n", "line 3: time = 0 of a does not come after 0")]
    [InlineData("device,gigaflops\na,0\n", "line 2: gigaflops = 0")]
    [InlineData("device,gigaflops,samples\na,1,3\nb,1,\n", "none for b")]
    [InlineData("device,gigaflops\n", "lists no device")]
    public async Task Should_say_what_is_wrong_with_a_fleet(string text, string complaint)
    {
        Assert.Equal(ExitCode.BadInput, await _program.RunAsync("simulate", "--fleet", _program.File("fleet.csv", text)));

        Assert.Contains(complaint, _program.Error, StringComparison.Ordinal);
    }

    private static double[] Bytes(JsonNode report) => [.. report["epochs"]!.AsArray().Select(e => e!["bytes"]!.GetValue<double>())];

    private Task<JsonNode> SimulateRunAsync() => SimulateRunAsync(_program, []);

    /// <summary>Trains on two nodes, gives the run the times of two epochs, and simulates it.</summary>
    private static async Task<JsonNode> SimulateRunAsync(ProgramUnderTest program, string[] changes, params string[] more)
    {
        await program.TrainAsync(
            ["--set", "splitfrozen.nodes=[{ name = rpi, gigaflops = 1 }, { name = flagship, gigaflops = 5 }]", "--set", "splitfrozen.data.devices=2", .. more]);
        File.WriteAllLines(Path.Combine(program.RunFolders[0], "metrics.jsonl"),
        [
            Event("00.0", "training_started"), Event("02.0", "evaluated"), Event("05.0", "step_done", 0), Event("08.0", "step_done", 0), Event("09.0", "evaluated"),
            Event("10.0", "step_done", 1), Event("13.5", "step_done", 1), Event("20.0", "evaluated"),
        ]);
        var summary = Path.Combine(program.RunFolders[0], "summary.json");
        File.WriteAllText(summary, File.ReadAllText(summary).Replace("\"board\"", "\"device-0\"", StringComparison.Ordinal).Replace("\"phone\"", "\"device-1\"", StringComparison.Ordinal));
        using var fresh = new ProgramUnderTest();
        return await SimulateAsync(fresh, ["--like", program.RunFolders[0], .. changes]);
    }

    private static string Event(string second, string name, int epoch = 0) =>
        $$"""{"time": "2026-11-24T05:30:{{second}}Z", "event": "{{name}}", "epoch": {{epoch}}}""";

    private static async Task<JsonNode> SimulateAsync(ProgramUnderTest program, params string[] arguments)
    {
        var code = await program.RunAsync(["simulate", "--json", .. arguments]);
        Assert.True(code == ExitCode.Done, program.Error);
        return JsonNode.Parse(program.Output)!;
    }
}
