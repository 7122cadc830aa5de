using System.Globalization;

using SplitFrozen.TestKit.Cluster;
using SplitFrozen.TestKit.Faults;

using Xunit;
using Xunit.Abstractions;

namespace SplitFrozen.TestKit.Tests.Faults;

/// <summary>
/// The invariants under schedules drawn at random. SPLITFROZEN_FAULT_SCHEDULES says how many, SPLITFROZEN_FAULT_SEED from which seed on; the kit's README has the
/// commands of a soak and of a replay.
/// </summary>
[Collection(RunCollection.Name)]
public sealed class RandomFaultSpecs(ITestOutputHelper output)
{
    private const int InCi = 60;

    [Fact(DisplayName = "Runs under random faults end as if there had been none")]
    public async Task Should_hold_under_random_faults()
    {
        var seed = Number("SPLITFROZEN_FAULT_SEED", 1);
        var schedules = Number("SPLITFROZEN_FAULT_SCHEDULES", InCi);
        var struck = 0;
        for (var plan = FaultPlan.Random(seed); plan.Seed < seed + schedules; plan = FaultPlan.Random(plan.Seed!.Value + 1))
        {
            var run = await TestCluster.RunAsync(new TestClusterOptions { Faults = plan });
            run.ShouldHoldInvariants();
            struck += run.Struck.Count;
        }

        output.WriteLine($"{struck} faults struck in {schedules} runs, seeds {seed} to {seed + schedules - 1}");
        Assert.True(struck >= schedules / 2, $"only {struck} faults struck in {schedules} runs");
    }

    private static long Number(string variable, long otherwise) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text ? long.Parse(text, CultureInfo.InvariantCulture) : otherwise;
}
