using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

using SplitFrozen.Domain.Allocation;
using SplitFrozen.Protocol;

using Xunit;

namespace SplitFrozen.Domain.Tests.Allocation;

/// <summary>What holds for every built-in policy.</summary>
[Properties(Arbitrary = [typeof(Fleets)])]
public sealed class PolicySpecs
{
    public static TheoryData<string> Policies => [.. BuiltInPolicies.Names];

    [Property]
    public void Should_keep_every_device_within_memory_and_bounds(AllocationInput input) => Each(policy =>
    {
        var layers = Allocator.Decide(policy, input).Layers();

        Assert.Equal(input.Devices.Select(d => d.Device).Order(), layers.Keys.Order());
        Assert.All(input.Devices, device =>
        {
            var held = layers[device.Device];
            Assert.InRange(held, 1, input.Cut);
            var fits = device.FreeMemoryBytes is { } free ? (device.PreviousLayers ?? 0) + (free / input.Sizes.BlockBytes) : input.Cut;
            Assert.True(held <= Math.Max(1, fits), $"{policy.Name} gives {device.Device} {held} layers where {fits} fit.");
            Assert.True(held >= Math.Min(input.MinLayers, Math.Max(1, fits)), $"{policy.Name} gives {device.Device} {held} layers, fewer than {input.MinLayers}.");
        });
    });

    [Property]
    public void Should_not_depend_on_the_order_of_the_devices(AllocationInput input, int seed) => Each(policy =>
    {
        var shuffled = input.Devices.ToArray();
        new Random(seed).Shuffle(shuffled);

        Assert.Equal(Allocator.Decide(policy, input), Allocator.Decide(policy, input with { Devices = shuffled }));
    });

    [Property]
    public void Should_give_a_stronger_device_no_fewer_layers_than_an_equal_weaker_one(AllocationInput input, PositiveInt factor)
    {
        foreach (IAllocationPolicy policy in new IAllocationPolicy[] { new ProportionalPolicy(), new BalancedPolicy() })
        {
            var weak = input.Devices[0] with { Device = new DeviceId("weak"), Node = "weak" };
            var strong = weak with { Device = new DeviceId("strong"), Node = "strong", LayerTokensPerSecond = weak.LayerTokensPerSecond * (1 + (factor.Get / 10.0)) };
            var layers = Allocator.Decide(policy, input with { Devices = [weak, strong, .. input.Devices.Skip(1)] }).Layers();

            Assert.True(layers[strong.Device] >= layers[weak.Device], policy.Name);
        }
    }

    [Property(MaxTest = 300)]
    public void Should_take_no_layer_from_a_device_that_became_faster(AllocationInput input, PositiveInt factor)
    {
        // The server keeps its own rate: where it counts as the fastest device, it would become faster too.
        var own = input with { Server = input.Server with { LayerTokensPerSecond = input.Server.LayerTokensPerSecond ?? 300 } };
        var before = own.Devices[0];
        var after = before with { LayerTokensPerSecond = before.LayerTokensPerSecond * (1 + (factor.Get / 20.0)) };
        foreach (IAllocationPolicy policy in new IAllocationPolicy[] { new ProportionalPolicy(), new BalancedPolicy() })
        {
            var was = Allocator.Decide(policy, own).Layers()[before.Device];
            var now = Allocator.Decide(policy, own with { Devices = [after, .. own.Devices.Skip(1)] }).Layers()[before.Device];

            Assert.True(now >= was, $"{policy.Name}: {was} layers at {before.LayerTokensPerSecond}, {now} at {after.LayerTokensPerSecond} tokens/s");
        }
    }

    [Property]
    public void Should_give_the_same_answer_twice(AllocationInput input) =>
        Each(policy => Assert.Equal(Allocator.Decide(policy, input), Allocator.Decide(policy, input)));

    [Theory]
    [MemberData(nameof(Policies))]
    public void Should_say_why(string name)
    {
        var policy = BuiltInPolicies.Find(name, new Dictionary<string, int> { ["d1"] = 3 })!;

        var decided = Allocator.Decide(policy, Fleets.Of(4, Fleets.Device(0, 100), Fleets.Device(1, 20, previous: 2)));

        Assert.All(decided, a => Assert.NotEmpty(a.Reason));
    }

    [Fact]
    public void Should_keep_what_was_given_first_under_static()
    {
        var input = Fleets.Of(8, Fleets.Device(0, 100, previous: 8), Fleets.Device(1, 100, previous: 2), Fleets.Device(2, 50));

        Assert.Equal([8, 2, 4], Allocator.Decide(new StaticPolicy(), input).Select(a => a.Layers));
    }

    [Fact]
    public void Should_do_what_the_user_says_under_manual_within_what_is_possible()
    {
        var policy = new ManualPolicy(new Dictionary<string, int> { ["d0"] = 3, ["d1"] = 50 });

        var decided = Allocator.Decide(policy, Fleets.Of(8, Fleets.Device(0, 100), Fleets.Device(1, 20), Fleets.Device(2, 50)));

        Assert.Equal([3, 8, 4], decided.Select(a => a.Layers));
        Assert.Contains("splitfrozen.allocation.manual", decided[0].Reason, StringComparison.Ordinal);
        Assert.Contains("cut down to 8", decided[1].Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("left out device d1", "d0")]
    [InlineData("assigned device d0 twice", "d0", "d1", "d0")]
    [InlineData("assigned device d7, which is not there", "d0", "d1", "d7")]
    public void Should_refuse_a_policy_that_does_not_cover_the_devices(string complaint, params string[] answered)
    {
        var error = Assert.Throws<UserErrorException>(() => Allocator.Decide(
            new Scripted([.. answered.Select(d => new LayerAssignment(new DeviceId(d), 1, "because"))]), Fleets.Of(4, Fleets.Device(0, 10), Fleets.Device(1, 10))));

        Assert.Contains(complaint, error.Message, StringComparison.Ordinal);
    }

    private static void Each(Action<IAllocationPolicy> check)
    {
        foreach (var policy in Fleets.Policies)
        {
            check(policy);
        }
    }

    private sealed class Scripted(IReadOnlyList<LayerAssignment> answer) : IAllocationPolicy
    {
        public string Name => "scripted";

        public IReadOnlyList<LayerAssignment> Decide(AllocationInput input) => answer;
    }
}
