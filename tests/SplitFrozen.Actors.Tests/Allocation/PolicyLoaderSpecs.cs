using SplitFrozen.Actors.Allocation;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Allocation;
using SplitFrozen.Domain.Configuration;

using Xunit;

namespace SplitFrozen.Actors.Tests.Allocation;

/// <summary>The policy that a key names.</summary>
public sealed class PolicyLoaderSpecs
{
    [Theory]
    [InlineData("static", typeof(StaticPolicy))]
    [InlineData("proportional", typeof(ProportionalPolicy))]
    [InlineData("balanced", typeof(BalancedPolicy))]
    [InlineData("manual", typeof(ManualPolicy))]
    public void Should_make_the_built_in_policies(string name, Type type) => Assert.IsType(type, PolicyLoader.Load(Named(name)));

    [Fact]
    public void Should_make_a_users_own_policy() => Assert.IsType<Own>(PolicyLoader.Load(Named(typeof(Own).AssemblyQualifiedName!)));

    [Theory]
    [InlineData("Nobody.Knows, This", "none of static, proportional, balanced, manual")]
    [InlineData("System.Version, System.Private.CoreLib", "implements IAllocationPolicy")]
    [InlineData("SplitFrozen.Domain.Allocation.ManualPolicy, SplitFrozen.Domain", "constructor without parameters")]
    public void Should_say_why_a_type_is_no_policy(string name, string complaint)
    {
        var error = Assert.Throws<UserErrorException>(() => PolicyLoader.Load(Named(name)));

        Assert.Contains($"splitfrozen.allocation.policy = {name}", error.Message, StringComparison.Ordinal);
        Assert.Contains(complaint, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Should_show_what_a_constructor_threw()
    {
        var error = Assert.Throws<UserErrorException>(() => PolicyLoader.Load(Named(typeof(Broken).AssemblyQualifiedName!)));

        Assert.Contains("no table of speeds", error.Message, StringComparison.Ordinal);
    }

    private static AllocationSettings Named(string policy) => new(policy, 1, 0.1, TimeSpan.Zero, 1, 0.5, new Dictionary<string, int>());

    public sealed class Own : IAllocationPolicy
    {
        public string Name => "own";

        public IReadOnlyList<LayerAssignment> Decide(AllocationInput input) => [.. input.Devices.Select(d => new LayerAssignment(d.Device, 1, "one each"))];
    }

    public sealed class Broken : IAllocationPolicy
    {
        public Broken() => throw new InvalidOperationException("no table of speeds");

        public string Name => "broken";

        public IReadOnlyList<LayerAssignment> Decide(AllocationInput input) => [];
    }
}
