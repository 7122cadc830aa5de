using FsCheck.Xunit;

using SplitFrozen.Domain.Data;
using SplitFrozen.TestKit.Faults;

using Xunit;

namespace SplitFrozen.TestKit.Tests.Faults;

/// <summary>Plans and what strikes by them, as values.</summary>
public sealed class FaultPlanSpecs
{
    [Property(DisplayName = "A seed draws the same plan again, of faults that can happen where they are put, and the plan names the seed")]
    public void Should_draw_the_same_plan_again(long seed)
    {
        var (plan, again) = (FaultPlan.Random(seed, devices: 3, faults: 6, servers: 2), FaultPlan.Random(seed, devices: 3, faults: 6, servers: 2));

        Assert.Equal(plan.Rules, again.Rules);
        Assert.InRange(plan.Rules.Count, 1, 6);
        Assert.All(plan.Rules, r => Assert.True(FaultRule.IsSupported(r.Point, r.Kind)));
        Assert.InRange(plan.Rules.Count(r => r.Point == FaultPoint.Channel && r.Kind is FaultKind.Duplicate or FaultKind.Reorder), 0, 2);
        Assert.Contains($"FaultPlan.Random({seed}, devices: 3, faults: 6, servers: 2)", plan.ToString(), StringComparison.Ordinal);
    }

    [Fact(DisplayName = "Random plans reach every fault that there is")]
    public void Should_reach_every_fault()
    {
        var drawn = Enumerable.Range(0, 500).SelectMany(seed => FaultPlan.Random(seed, servers: 2).Rules).Select(r => (r.Point, r.Kind)).ToHashSet();

        Assert.Equal(FaultRule.Supported.ToHashSet(), drawn);
        Assert.Equal(Enum.GetValues<FaultKind>().ToHashSet(), drawn.Select(d => d.Kind).ToHashSet());
    }

    [Property(DisplayName = "Each fault strikes as often as it is to, and not before its time, whatever else is in the plan")]
    public void Should_strike_as_often_as_planned(long seed)
    {
        var plan = FaultPlan.Random(seed, devices: 2, faults: 6, servers: 2);
        var (cursor, again) = (new FaultCursor(plan), new FaultCursor(plan));
        var struck = new List<FaultRule>();
        var passed = plan.Rules.Distinct().ToDictionary(rule => rule, _ => 0);
        for (var round = 0; round < 200; round++)
        {
            foreach (var site in Sites())
            {
                var rule = cursor.Pass(site);
                Assert.Same(rule, again.Pass(site));
                if (rule is not null)
                {
                    Assert.True(rule.Matches(site));
                    Assert.True(passed[rule] >= rule.At);
                    struck.Add(rule);
                }

                foreach (var counted in passed.Keys.Where(r => r.Matches(site)).ToList())
                {
                    passed[counted]++;
                }
            }
        }

        Assert.True(cursor.IsDone);
        Assert.Equal(plan.Rules.Sum(r => r.Times), struck.Count);
        Assert.All(plan.Rules.Distinct(), rule => Assert.Equal(plan.Rules.Where(r => r == rule).Sum(r => r.Times), struck.Count(s => s == rule)));
    }

    [Fact(DisplayName = "A fault is counted among the messages of its type and device alone")]
    public void Should_count_what_it_is_about()
    {
        var rule = new FaultRule(FaultPoint.ToDevice, FaultKind.Drop, 1) { Device = SharedDevices.Id(1), Message = "Grant" };
        var cursor = new FaultCursor(FaultPlan.Script(rule));
        FaultRule? Pass(int device, string message) =>
            cursor.Pass(new FaultSite(FaultPoint.ToDevice, FaultActivity.Message, SharedDevices.Id(device), message));

        Assert.Null(Pass(1, "Grant"));
        Assert.Null(Pass(0, "Grant"));
        Assert.Null(Pass(1, "Welcome"));
        Assert.False(cursor.IsDone);
        Assert.Same(rule, Pass(1, "Grant"));
        Assert.Null(Pass(1, "Grant"));
        Assert.True(cursor.IsDone);
    }

    [Fact(DisplayName = "A plan with a fault that cannot happen there is refused")]
    public void Should_refuse_what_cannot_happen()
    {
        var error = Assert.Throws<ArgumentException>(() => FaultPlan.Script(new FaultRule(FaultPoint.Server, FaultKind.Reorder, 0)));
        Assert.Contains("Reorder cannot happen at Server", error.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => FaultPlan.Script(new FaultRule(FaultPoint.Channel, FaultKind.Drop, -1)));
    }

    private static IEnumerable<FaultSite> Sites() =>
        from point in Enum.GetValues<FaultPoint>()
        from activity in Enum.GetValues<FaultActivity>()
        from device in new[] { 0, 1 }
        select new FaultSite(point, activity, SharedDevices.Id(device), "Grant");
}
