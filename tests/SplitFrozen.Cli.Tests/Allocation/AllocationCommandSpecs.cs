using System.Text.Json.Nodes;

using SplitFrozen.Cli.Tests.Support;
using SplitFrozen.Domain.Allocation;

namespace SplitFrozen.Cli.Tests.Allocation;

/// <summary>Stands for a user's own policy: everybody gets two layers.</summary>
public sealed class TwoForAll : IAllocationPolicy
{
    public string Name => "two for all";

    public IReadOnlyList<LayerAssignment> Decide(AllocationInput input) => [.. input.Devices.Select(d => new LayerAssignment(d.Device, 2, "two for all"))];
}

public sealed class AllocationCommandSpecs : IDisposable
{
    private const string Header = "time,device,layer_tokens_per_second,samples\n";

    private readonly ProgramUnderTest _program = new();

    public void Dispose() => _program.Dispose();

    [Fact]
    public async Task Should_replay_a_trace_in_which_a_device_slows_down()
    {
        var trace = _program.File("trace.csv", Header + string.Concat(Enumerable.Range(0, 30).Select(t => $"{5 * t},phone,1000,100\n{5 * t},board,{(t < 10 ? 1000 : 300)},100\n")));

        var report = await ReplayAsync(trace, "--policy", "proportional");

        Assert.Equal("proportional", report["policy"]!.GetValue<string>());
        Assert.Equal([1, 4], report["final"]!["devices"]!.AsArray().Select(d => d!["layers"]!.GetValue<int>()));
        Assert.True(report["mean_slowest_seconds"]!.GetValue<double>() < report["static_mean_slowest_seconds"]!.GetValue<double>());
    }

    [Fact]
    public async Task Should_read_json_lines_and_a_users_own_policy()
    {
        var trace = _program.File("trace.jsonl", """
            {"time": 0, "device": "phone", "layer_tokens_per_second": 1000}
            {"time": 0, "device": "board", "layer_tokens_per_second": 10, "link_bytes_per_second": 1e6, "node": "rpi"}
            """);

        var report = await ReplayAsync(trace, "--policy", typeof(TwoForAll).AssemblyQualifiedName!);

        Assert.Equal([2, 2], report["final"]!["devices"]!.AsArray().Select(d => d!["layers"]!.GetValue<int>()));
    }

    [Fact]
    public async Task Should_take_a_runs_metrics_as_a_trace()
    {
        await _program.TrainAsync();
        using var fresh = new ProgramUnderTest();

        Assert.Equal(ExitCode.Done, await fresh.RunAsync("allocation", "replay", Path.Combine(_program.RunFolders[0], "metrics.jsonl"), "--policy", "balanced", "--json"));

        Assert.Equal(["board", "phone"], JsonNode.Parse(fresh.Output)!["final"]!["devices"]!.AsArray().Select(d => d!["device"]!.GetValue<string>()));
    }

    [Theory]
    [InlineData("trace.csv", "time,device\n0,phone\n", "no column layer_tokens_per_second")]
    [InlineData("trace.csv", "time,device,layer_tokens_per_second,speed\n", "column speed, which is not known")]
    [InlineData("trace.csv", Header + "0,phone,fast,1\n", "line 2: layer_tokens_per_second = fast")]
    [InlineData("trace.csv", Header + "0,my phone,1,1\n", "line 2: device = my phone")]
    [InlineData("trace.csv", Header + "0,phone,1,1.5\n", "line 2: samples = 1.5")]
    [InlineData("trace.csv", Header + "-1,phone,1,1\n", "line 2: time = -1")]
    [InlineData("trace.csv", Header, "holds no capacity")]
    [InlineData("trace.jsonl", "{\"time\": 0, \"device\": \"phone\"}", "line 1: has no layer_tokens_per_second")]
    [InlineData("trace.jsonl", "\n{\"time\": 0", "line 2: is no JSON")]
    [InlineData("trace.jsonl", "[1]", "line 1: is no JSON object")]
    public async Task Should_say_what_is_wrong_with_a_trace(string name, string text, string complaint)
    {
        Assert.Equal(ExitCode.BadInput, await _program.RunAsync("allocation", "replay", _program.File(name, text)));

        Assert.Contains(complaint, _program.Error, StringComparison.Ordinal);
        Assert.Contains(name, _program.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nowhere.csv", "allocation", "replay", "nowhere.csv")]
    [InlineData("--round = 0", "allocation", "replay", "nowhere.csv", "--round", "0")]
    [InlineData("none of static, proportional, balanced, manual", "allocation", "replay", "TRACE", "--policy", "No.Such, Assembly")]
    [InlineData("must be a class that implements IAllocationPolicy", "allocation", "replay", "TRACE", "--policy", "System.Version, System.Private.CoreLib")]
    [InlineData("is not a run's folder", "allocation", "explain", "nowhere")]
    public async Task Should_refuse_what_it_cannot_use(string complaint, params string[] arguments)
    {
        var trace = _program.File("good.csv", Header + "0,phone,1,1\n");

        Assert.Equal(ExitCode.BadInput, await _program.RunAsync([.. arguments.Select(a => a == "TRACE" ? trace : a)]));

        Assert.Contains(complaint, _program.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Should_explain_a_finished_run()
    {
        await _program.TrainAsync();
        using var fresh = new ProgramUnderTest();

        Assert.Equal(ExitCode.Done, await fresh.RunAsync("allocation", "explain", _program.RunFolders[0], "--json"));

        var run = JsonNode.Parse(fresh.Output)!;
        var board = run["devices"]!.AsArray().Single(d => d!["device"]!.GetValue<string>() == "board")!;
        Assert.Equal((1, 1760.0, 400), (board["layers"]!.GetValue<int>(), board["layer_tokens_per_second"]!.GetValue<double>(), board["samples"]!.GetValue<int>()));

        // Busy 2.4 s for 2,000 forwarded samples, of which an epoch has 400.
        Assert.Equal(0.48, board["achieved_seconds"]!.GetValue<double>(), 9);
        Assert.True(board["predicted_seconds"]!.GetValue<double>() > 0);
        Assert.Contains("strongest", run["decision"]!["devices"]![0]!["reason"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.NotEmpty(run["decision"]!["devices"]![0]!["alternatives"]!.AsArray());
        Assert.Equal(BuiltInPolicies.Names, run["policies"]!.AsArray().Select(p => p!["policy"]!.GetValue<string>()));
    }

    [Fact]
    public async Task Should_show_a_run_as_tables()
    {
        await _program.TrainAsync();

        Assert.Equal(ExitCode.Done, await _program.RunAsync("allocation", "explain", _program.RunFolders[0]));

        Assert.Contains("slowest stage is", _program.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Should_say_that_a_run_did_not_end()
    {
        await _program.TrainAsync();
        File.Delete(Path.Combine(_program.RunFolders[0], "summary.json"));

        Assert.Equal(ExitCode.BadInput, await _program.RunAsync("allocation", "explain", _program.RunFolders[0]));

        Assert.Contains("no summary.json", _program.Error, StringComparison.Ordinal);
    }

    private async Task<JsonNode> ReplayAsync(string trace, params string[] more)
    {
        Assert.Equal(ExitCode.Done, await _program.RunAsync(["allocation", "replay", trace, "--json", .. more]));
        return JsonNode.Parse(_program.Output)!;
    }
}
