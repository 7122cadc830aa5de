using System.Collections.Concurrent;

using SplitFrozen.Domain.Allocation;
using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Domain.Sampling;
using SplitFrozen.TestKit.Cluster;
using SplitFrozen.TestKit.Faults;

using Xunit;

namespace SplitFrozen.TestKit.Tests.Faults;

/// <summary>
/// Each invariant under each fault, one at a time: in the middle of a run whose devices get other layers all the time and whose stages are spread over two server nodes. A fault's run is
/// made once and looked at for each invariant.
/// </summary>
[Collection(RunCollection.Name)]
public sealed class InvariantSpecs
{
    private static readonly ConcurrentDictionary<(FaultPoint, FaultKind, bool), Lazy<Task<TestRun>>> Runs = new();

    /// <summary>The invariants that a run under a fault must hold.</summary>
    private static readonly Dictionary<string, Action<TestRun>> Invariants = new()
    {
        ["allocation"] = run =>
        {
            Assert.True(run.Events.OfType<RunEvent.LayersAssigned>().Count() > 4, "hardly any layers were changed");
            run.ShouldMatchFaultFreeRun();
        },
        ["exactly once"] = run => run.ShouldBeExactlyOnce(),
        ["bounded"] = run => run.ShouldStayWithinWindow(),
        ["frozen"] = run => run.ShouldKeepFrozen(),
        ["order"] = run => run.ShouldKeepOrder(),
        ["plain training"] = run => run.ShouldMatchFaultFreeRun(),
        ["nothing unread"] = run => run.ShouldRefuseDamage(),
    };

    /// <summary>Each invariant with each fault.</summary>
    public static IEnumerable<object[]> Cases =>
        from fault in FaultRule.Supported from invariant in Invariants.Keys select new object[] { invariant, fault.Point, fault.Kind };

    /// <summary>Each fault.</summary>
    public static IEnumerable<object[]> Faults => FaultRule.Supported.Select(f => new object[] { f.Point, f.Kind });

    [Theory(DisplayName = "The invariant holds under the fault")]
    [MemberData(nameof(Cases))]
    public async Task Should_hold(string invariant, FaultPoint point, FaultKind kind)
    {
        var run = await RunAsync(point, kind, isResumed: false);

        run.ShouldHaveStruck();
        Invariants[invariant](run);
    }

    [Theory(DisplayName = "A run that meets the fault, and whose server crashes and resumes afterwards, is the run that was never stopped")]
    [MemberData(nameof(Faults))]
    public async Task Should_resume(FaultPoint point, FaultKind kind)
    {
        var run = await RunAsync(point, kind, isResumed: true);

        Assert.Equal((point, kind) == (FaultPoint.Server, FaultKind.Crash) ? 2 : 1, run.Summary.Resumes);
        run.ShouldHaveStruck().ShouldHoldInvariants();
    }

    [Theory(DisplayName = "Each control message may be lost, come late, twice or in another order")]
    [InlineData(FaultPoint.ToServer, "Greeted")]
    [InlineData(FaultPoint.ToServer, "Prepared")]
    [InlineData(FaultPoint.ToServer, "LayersLoaded")]
    [InlineData(FaultPoint.ToDevice, "Welcome")]
    [InlineData(FaultPoint.ToDevice, "AssignLayers")]
    [InlineData(FaultPoint.ToDevice, "Grant")]
    [InlineData(FaultPoint.ToDevice, "ReturnCredits")]
    [InlineData(FaultPoint.ToDevice, "Finish")]
    public async Task Should_not_depend_on_a_message(FaultPoint point, string message)
    {
        FaultKind[] kinds = message == "Finish" ? [FaultKind.Drop] : [FaultKind.Drop, FaultKind.Delay, FaultKind.Duplicate, FaultKind.Reorder];
        var rules = kinds.Select((kind, i) => new FaultRule(point, kind, 0) { Device = SharedDevices.Id(i % 2), Message = message }).ToArray();
        var run = await TestCluster.RunAsync(new TestClusterOptions { Faults = FaultPlan.Script(rules) });

        Assert.NotEmpty(run.Struck);
        run.ShouldHoldInvariants();
    }

    [Fact(DisplayName = "A server that crashes before its first checkpoint, and again and again after, ends like one that never did")]
    public async Task Should_survive_crashes_of_the_server()
    {
        FaultRule[] crashes = [.. new[] { 0, 3, 9 }.Select(at => new FaultRule(FaultPoint.Server, FaultKind.Crash, at))];
        var run = await TestCluster.RunAsync(new TestClusterOptions { Faults = FaultPlan.Script(crashes) });

        Assert.Equal(2, run.Summary.Resumes);
        run.ShouldHaveStruck().ShouldHoldInvariants();
    }

    [Theory(DisplayName = "A device whose clock was set, forward or back, and that begins anew then, is not taken for an earlier life of itself")]
    [InlineData(3600)]
    [InlineData(-3600)]
    public async Task Should_survive_a_clock_that_is_set(int seconds)
    {
        var run = await TestCluster.RunAsync(new TestClusterOptions
        {
            Faults = FaultPlan.Script(
                new FaultRule(FaultPoint.Device, FaultKind.ClockJump, 3) { Device = SharedDevices.Id(0), For = TimeSpan.FromSeconds(seconds) },
                new FaultRule(FaultPoint.Device, FaultKind.Crash, 6) { Device = SharedDevices.Id(0) },
                new FaultRule(FaultPoint.Server, FaultKind.ClockJump, 2) { For = TimeSpan.FromSeconds(-seconds) }),
        });

        run.ShouldHaveStruck().ShouldHoldInvariants();
    }

    private static Task<TestRun> RunAsync(FaultPoint point, FaultKind kind, bool isResumed) => Runs.GetOrAdd((point, kind, isResumed), _ => new Lazy<Task<TestRun>>(() =>
    {
        var rule = new FaultRule(point, kind, point switch { FaultPoint.ToServer => 1, FaultPoint.Server or FaultPoint.StageNode => 5, _ => 4 })
        {
            Device = point is FaultPoint.Server or FaultPoint.Stages or FaultPoint.StageNode ? null : SharedDevices.Id(1),
            For = TimeSpan.FromMilliseconds(120),
            Times = kind == FaultKind.SlowDown ? 4 : 1,
        };
        FaultRule[] rules = isResumed ? [rule, new FaultRule(FaultPoint.Server, FaultKind.Crash, 9)] : [rule];
        return TestCluster.RunAsync(new TestClusterOptions
        {
            Servers = 2,
            Faults = FaultPlan.Script(rules),
            Settings =
            [
                $"splitfrozen.allocation.policy=\"{typeof(DrawnPolicy).FullName}, {typeof(DrawnPolicy).Assembly.GetName().Name}\"", "splitfrozen.allocation.interval=25ms",
                "splitfrozen.allocation.hysteresis=0", "splitfrozen.allocation.cool-down=0s",
            ],
        });
    })).Value;
}

/// <summary>Draws each device's layers anew whenever it is asked.</summary>
public sealed class DrawnPolicy : IAllocationPolicy
{
    private readonly SeededRandom _random = SeededRandom.For(1, nameof(DrawnPolicy));

    /// <inheritdoc/>
    public string Name => "drawn";

    /// <inheritdoc/>
    public IReadOnlyList<LayerAssignment> Decide(AllocationInput input) =>
        [.. input.Devices.Select(d => new LayerAssignment(d.Device, 1 + _random.Below(input.Cut), "drawn"))];
}
