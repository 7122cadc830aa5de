using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

using SplitFrozen.Domain.Allocation;
using SplitFrozen.Protocol;

using Xunit;

namespace SplitFrozen.Domain.Tests.Allocation;

/// <summary>The slowest stage, as fast as whole layers allow.</summary>
public sealed class BalancedPolicySpecs
{
    [Property(MaxTest = 200)]
    public Property Should_be_as_good_as_the_best_of_all_allocations() => Prop.ForAll(Fleets.Input(nodes: 3, maxCut: 5).ToArbitrary(), input =>
    {
        var measured = input with { Devices = [.. input.Devices.Select(d => d with { LayerTokensPerSecond = Math.Max(1, d.LayerTokensPerSecond) })] };

        var own = Slowest(measured, Allocator.Decide(new BalancedPolicy(), measured).Layers());
        var best = All(measured).Min(layers => Slowest(measured, layers));

        Assert.True(own <= best * (1 + 1e-12), $"{own} s instead of {best} s");
    });

    [Fact]
    public void Should_take_layers_from_a_weak_device_that_holds_everything_up()
    {
        var input = Fleets.Of(12, Fleets.Device(0, 1000), Fleets.Device(1, 100), Fleets.Device(2, 1000));

        var proportional = Allocator.Decide(new ProportionalPolicy(), input).Layers();
        var balanced = Allocator.Decide(new BalancedPolicy(), input).Layers();

        Assert.True(Slowest(input, balanced) <= Slowest(input, proportional));
        Assert.True(balanced[new DeviceId("d1")] < balanced[new DeviceId("d0")]);
    }

    [Fact]
    public void Should_give_devices_of_one_node_equal_counts()
    {
        var shared = new[] { Fleets.Device(0, 100, samples: 10), Fleets.Device(1, 100, samples: 500) }.Select(d => d with { Node = "box" });

        var layers = Allocator.Decide(new BalancedPolicy(), Fleets.Of(6, [.. shared, Fleets.Device(2, 100)])).Layers();

        Assert.Equal(layers[new DeviceId("d0")], layers[new DeviceId("d1")]);
    }

    [Fact]
    public void Should_leave_everything_to_a_server_that_is_far_faster()
    {
        var input = Fleets.Of(4, Fleets.Device(0, 1), Fleets.Device(1, 1)) with { Server = new ServerMeasure(1e9, 0) };

        Assert.All(Allocator.Decide(new BalancedPolicy(), input), a => Assert.Equal(1, a.Layers));
    }

    [Fact]
    public void Should_balance_devices_with_catch_up_alone_where_training_runs_beside_it()
    {
        var shared = Fleets.Of(12, Fleets.Device(0, 100), Fleets.Device(1, 100)) with { Server = new ServerMeasure(1000, 0.02) };
        var beside = shared with { Server = shared.Server with { SharesCompute = false } };

        // 2,000 tokens a device: 20 s a layer there, 2 s here. Training takes 80 s in either case.
        Assert.All(Allocator.Decide(new BalancedPolicy(), shared), a => Assert.Equal(5, a.Layers));
        Assert.All(Allocator.Decide(new BalancedPolicy(), beside), a => Assert.Equal(2, a.Layers));
    }

    [Fact]
    public void Should_not_load_others_up_to_the_time_of_a_device_that_is_slow_at_one_layer()
    {
        // One layer takes 2,000 s on the weakest device, whatever is done; the others are balanced with the server, which needs 6 s a layer.
        var input = Fleets.Of(4, Fleets.Device(0, 1), Fleets.Device(1, 200), Fleets.Device(2, 200)) with { Server = new ServerMeasure(1000, 0) };

        Assert.Equal([1, 1, 1], Allocator.Decide(new BalancedPolicy(), input).Select(a => a.Layers));
    }

    private static IEnumerable<IReadOnlyDictionary<DeviceId, int>> All(AllocationInput input)
    {
        IEnumerable<IReadOnlyDictionary<DeviceId, int>> all = [new Dictionary<DeviceId, int>()];
        foreach (var device in input.Devices)
        {
            var (low, high) = input.Range(device);
            all = all.SelectMany(partial => Enumerable.Range(low, high - low + 1).Select(n => new Dictionary<DeviceId, int>(partial) { [device.Device] = n }));
        }

        return all;
    }

    /// <summary>The slowest stage by the definition: nodes compute, the server catches up and trains. Links are the same for all.</summary>
    private static double Slowest(AllocationInput input, IReadOnlyDictionary<DeviceId, int> layers)
    {
        var tokens = input.Devices.ToDictionary(d => d.Device, d => d.Samples * input.Sizes.TokensPerSample);
        var nodes = input.Devices.Max(d => layers[d.Device] * tokens[d.Device] / d.LayerTokensPerSecond);
        var rate = input.Server.LayerTokensPerSecond ?? input.Devices.Max(d => d.LayerTokensPerSecond);
        var catchUp = input.Devices.Sum(d => (input.Cut - layers[d.Device]) * tokens[d.Device] / rate);
        var training = tokens.Values.Sum() * input.Server.TrainingSecondsPerToken;
        return Math.Max(nodes, input.Server.SharesCompute ? catchUp + training : Math.Max(catchUp, training));
    }
}
