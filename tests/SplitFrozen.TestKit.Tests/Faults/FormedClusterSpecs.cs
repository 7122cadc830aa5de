using System.Globalization;

using SplitFrozen.Domain.Data;
using SplitFrozen.TestKit.Cluster;
using SplitFrozen.TestKit.Faults;

using Xunit;
using Xunit.Abstractions;

namespace SplitFrozen.TestKit.Tests.Faults;

/// <summary>
/// A cluster of several actor systems over TCP with short time-outs: losses, partitions and downing. SPLITFROZEN_CLUSTER_SCHEDULES says how many schedules are drawn,
/// SPLITFROZEN_FAULT_SEED from which seed on.
/// </summary>
[Collection(RunCollection.Name)]
public sealed class FormedClusterSpecs(ITestOutputHelper output)
{
    /// <summary>They take about two minutes on two cores.</summary>
    private const int InCi = 10;

    /// <summary>Schedules at a time: they wait more than they compute.</summary>
    private const int AtOnce = 2;

    [Theory(DisplayName = "A partition that heals before anyone is downed, or after, loses nothing: the same losses and adapter")]
    [InlineData(FaultPoint.Device, 0.5)]
    [InlineData(FaultPoint.Device, 7)]
    [InlineData(FaultPoint.ToServer, 6)]
    [InlineData(FaultPoint.ToDevice, 6)]
    public async Task Should_survive_a_partition(FaultPoint point, double seconds)
    {
        var run = await FormedCluster.RunAsync(Options with
        {
            Faults = FaultPlan.Script(new FaultRule(point, FaultKind.Partition, 4) { Device = SharedDevices.Id(1), For = TimeSpan.FromSeconds(seconds) }),
        });

        run.ShouldHaveStruck().ShouldHoldInvariants();
    }

    [Fact(DisplayName = "Losses and partitions drawn at random lose nothing either")]
    public async Task Should_hold_under_random_faults()
    {
        var seed = Number("SPLITFROZEN_FAULT_SEED", 1);
        var schedules = Number("SPLITFROZEN_CLUSTER_SCHEDULES", InCi);
        var struck = 0;
        await Parallel.ForEachAsync(
            Enumerable.Range(0, (int)schedules).Select(i => seed + i), new ParallelOptions { MaxDegreeOfParallelism = AtOnce },
            async (drawn, _) =>
            {
                var servers = drawn % 2 == 0 ? 2 : 1;
                var run = await FormedCluster.RunAsync(Options with { Servers = servers, Faults = FaultPlan.RandomForCluster(drawn, servers: servers) });
                run.ShouldHoldInvariants();
                Interlocked.Add(ref struck, run.Struck.Count);
            });

        output.WriteLine($"{struck} faults struck in {schedules} runs, seeds {seed} to {seed + schedules - 1}");
        Assert.True(struck >= schedules, $"only {struck} faults struck in {schedules} runs");
    }

    private static TestClusterOptions Options => new() { RealLimit = TimeSpan.FromMinutes(2), Settings = ["splitfrozen.training.epochs=3"] };

    private static long Number(string variable, long otherwise) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text ? long.Parse(text, CultureInfo.InvariantCulture) : otherwise;
}
