using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

using SplitFrozen.Domain.Allocation;
using SplitFrozen.Domain.Sampling;
using SplitFrozen.Protocol;

using Xunit;

namespace SplitFrozen.Domain.Tests.Allocation;

/// <summary>Layers change for a reason, seldom, and not all at once.</summary>
[Properties(Arbitrary = [typeof(Fleets)])]
public sealed class StabiliserSpecs
{
    [Property]
    public void Should_change_nothing_under_noise_within_the_band(AllocationInput input, PositiveInt seed)
    {
        foreach (var policy in Fleets.Policies)
        {
            var random = SeededRandom.For(seed.Get, "noise");
            var state = StabiliserState.Empty;
            for (var round = 0; round < 20; round++)
            {
                // Around the true rate by up to 9 %: no two measurements differ by more than the band of 20 %.
                var noisy = input with { Devices = [.. input.Devices.Select(d => d with { LayerTokensPerSecond = d.LayerTokensPerSecond * (0.91 + (0.18 * random.NextDouble())) })] };
                var next = Stabiliser.Next(policy, Fleets.Settings, state, Held(noisy, state), round * 100);

                Assert.All(next.Changes, c => Assert.Null(c.From));
                Assert.Empty(next.Postponed);
                state = next.State;
            }
        }
    }

    [Property]
    public void Should_change_few_devices_a_round_and_none_that_rests(AllocationInput input, PositiveInt seed)
    {
        var random = SeededRandom.For(seed.Get, "drift");
        var state = StabiliserState.Empty;
        var changed = new Dictionary<DeviceId, double>();
        for (var round = 0; round < 30; round++)
        {
            var now = round * 4.0;
            var drifting = input with { Devices = [.. input.Devices.Select(d => d with { LayerTokensPerSecond = d.LayerTokensPerSecond * Math.Exp(3 * random.NextDouble()) })] };
            var next = Stabiliser.Next(new ProportionalPolicy(), Fleets.Settings, state, Held(drifting, state), now);

            var moved = next.Changes.Where(c => c.From is not null).ToList();
            Assert.True(moved.Count <= Fleets.Settings.MaxChanges);
            Assert.All(moved, c => Assert.True(now - changed[c.Device] >= Fleets.Settings.CoolDown.TotalSeconds, $"{c.Device} changed at {changed[c.Device]} and {now}"));
            Assert.All(next.Assignments, a => Assert.Equal(a.Layers, next.State.Devices[a.Device].Layers));
            foreach (var change in next.Changes)
            {
                changed[change.Device] = now;
            }

            state = next.State;
        }
    }

    [Property]
    public void Should_settle_on_what_the_policy_wants(AllocationInput input)
    {
        foreach (var policy in new IAllocationPolicy[] { new ProportionalPolicy(), new BalancedPolicy() })
        {
            var state = Stabiliser.Next(policy, Fleets.Settings, StabiliserState.Empty, Held(input, StabiliserState.Empty), 0).State;
            var halved = input with { Devices = [.. input.Devices.Select((d, i) => i % 2 == 0 ? d with { LayerTokensPerSecond = d.LayerTokensPerSecond / 3 } : d)] };
            StabilisedRound? last = null;
            for (var round = 1; round < 12; round++)
            {
                last = Stabiliser.Next(policy, Fleets.Settings, state, Held(halved, state), round * 20);
                state = last.State;
            }

            Assert.Empty(last!.Postponed);
            Assert.Empty(last.Changes);
        }
    }

    [Fact]
    public void Should_follow_a_real_change_and_say_why()
    {
        var first = Round(StabiliserState.Empty, 0, 100, 100);
        var second = Round(first.State, 60, 100, 33);

        Assert.Equal([(null, 8), (null, 8)], first.Changes.Select(c => (c.From, c.To)));
        var change = Assert.Single(second.Changes);
        Assert.Equal((new DeviceId("d1"), 8, 3), (change.Device, change.From, change.To));
        Assert.Contains("0.33 of the strongest", change.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Should_take_layers_away_before_it_gives_any()
    {
        var settings = Fleets.Settings with { MaxChanges = 1 };
        var start = Next(StabiliserState.Empty, settings, 0, 100, 50, 50).State;

        var round = Next(start, settings, 60, 100, 100, 20);

        Assert.Equal("d2", Assert.Single(round.Changes).Device.Value);
        Assert.Equal("d1", Assert.Single(round.Postponed).Device.Value);
        Assert.Contains("max-changes", round.Postponed[0].Why, StringComparison.Ordinal);
        Assert.Contains("keeps 4", round.Assignments[1].Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Should_hold_changes_back_while_suspended_but_serve_new_devices()
    {
        var suspended = Round(StabiliserState.Empty, 0, 100, 100).State.Suspend();

        var round = Next(suspended, Fleets.Settings, 60, 100, 30, 50);

        Assert.Equal(("d2", null), (Assert.Single(round.Changes).Device.Value, round.Changes[0].From));
        Assert.Contains("suspended", Assert.Single(round.Postponed).Why, StringComparison.Ordinal);
        Assert.Equal("d1", Assert.Single(Next(round.State.Resume(), Fleets.Settings, 120, 100, 30, 50).Changes).Device.Value);
    }

    [Fact]
    public void Should_forget_devices_that_are_gone()
    {
        var both = Round(StabiliserState.Empty, 0, 100, 100).State;

        var one = Stabiliser.Next(new ProportionalPolicy(), Fleets.Settings, both, Fleets.Of(8, Fleets.Device(0, 100)), 1);

        Assert.Equal("d0", Assert.Single(one.State.Devices).Key.Value);
        Assert.Null(Assert.Single(Round(one.State, 2, 100, 100).Changes).From);
    }

    /// <summary>The blocks that a device holds are no longer free memory.</summary>
    private static AllocationInput Held(AllocationInput input, StabiliserState state) => input with
    {
        Devices = [.. input.Devices.Select(d => d with
        {
            FreeMemoryBytes = d.FreeMemoryBytes is { } free && state.Devices.TryGetValue(d.Device, out var held)
                ? Math.Max(0, free - (held.Layers * input.Sizes.BlockBytes)) : d.FreeMemoryBytes,
        })],
    };

    private static StabilisedRound Round(StabiliserState state, double now, params double[] rates) => Next(state, Fleets.Settings, now, rates);

    private static StabilisedRound Next(StabiliserState state, Domain.Configuration.AllocationSettings settings, double now, params double[] rates) =>
        Stabiliser.Next(new ProportionalPolicy(), settings, state, Fleets.Of(8, [.. rates.Select((r, i) => Fleets.Device(i, r))]), now);
}
