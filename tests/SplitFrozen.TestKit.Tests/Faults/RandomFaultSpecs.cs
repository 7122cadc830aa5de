using System.Globalization;
using System.Text.RegularExpressions;

using SplitFrozen.TestKit.Cluster;
using SplitFrozen.TestKit.Faults;
using SplitFrozen.TestKit.StandIn;

using Xunit;
using Xunit.Abstractions;

namespace SplitFrozen.TestKit.Tests.Faults;

/// <summary>
/// The invariants under schedules drawn at random, in memory and controlled time. SPLITFROZEN_FAULT_SCHEDULES says how many, SPLITFROZEN_FAULT_SEED from which seed on; the kit's
/// README has the commands of a soak and of a replay.
/// </summary>
[Collection(RunCollection.Name)]
public sealed class RandomFaultSpecs(ITestOutputHelper output)
{
    private const int InCi = 200;

    [Fact(DisplayName = "Runs under random faults end as if there had been none")]
    public async Task Should_hold_under_random_faults()
    {
        var seed = Number("SPLITFROZEN_FAULT_SEED", 1);
        var schedules = Number("SPLITFROZEN_FAULT_SCHEDULES", InCi);
        var struck = 0;
        await Parallel.ForEachAsync(
            Enumerable.Range(0, (int)schedules).Select(i => seed + i), new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount },
            async (drawn, _) =>
            {
                var count = await HoldAsync(drawn);
                Interlocked.Add(ref struck, count);
            });

        output.WriteLine($"{struck} faults struck in {schedules} runs, seeds {seed} to {seed + schedules - 1}");
        Assert.True(struck >= schedules, $"only {struck} faults struck in {schedules} runs");
    }

    [Fact(DisplayName = "A random run that fails prints the call that draws its faults again, and they strike again")]
    public async Task Should_replay_what_failed()
    {
        var broken = new InterceptedModel(new StandInModel(), _ => { }, call => call is { Operation: "F", MicroBatch: 0 });
        var first = await FailAsync(new TestClusterOptions { Model = broken, Devices = 3, Faults = FaultPlan.Random(5, devices: 3, faults: 6) });
        var call = Regex.Match(first.Message, @"FaultPlan\.Random\((\d+), devices: (\d+), faults: (\d+), servers: (\d+)\) replays it");
        int At(int group) => int.Parse(call.Groups[group].Value, CultureInfo.InvariantCulture);
        var plan = FaultPlan.Random(At(1), At(2), At(3), At(4));
        var again = await FailAsync(new TestClusterOptions { Model = broken, Devices = 3, Faults = plan });

        Assert.Equal(first.Plan.Rules, plan.Rules);
        Assert.Equal(first.Message, again.Message);
    }

    /// <summary>Every second schedule has a second server node and a third device.</summary>
    private static async Task<int> HoldAsync(long seed)
    {
        var (devices, servers) = seed % 2 == 0 ? (3, 2) : (2, 1);
        var run = await TestCluster.RunAsync(new TestClusterOptions { Devices = devices, Servers = servers, Faults = FaultPlan.Random(seed, devices, faults: 5, servers) });
        run.ShouldHoldInvariants();
        return run.Struck.Count;
    }

    private static Task<FaultRunException> FailAsync(TestClusterOptions options) => Assert.ThrowsAsync<FaultRunException>(() => TestCluster.RunAsync(options));

    private static long Number(string variable, long otherwise) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text ? long.Parse(text, CultureInfo.InvariantCulture) : otherwise;
}
