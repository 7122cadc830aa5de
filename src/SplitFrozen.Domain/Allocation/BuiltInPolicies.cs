using System.Globalization;

using SplitFrozen.Domain.Configuration;
using SplitFrozen.Protocol;

namespace SplitFrozen.Domain.Allocation;

/// <summary>The policies that splitfrozen.allocation.policy names by a word.</summary>
public static class BuiltInPolicies
{
    /// <summary>As proportional at first sight; never changed after that.</summary>
    public const string Static = "static";

    /// <summary>The paper's rule, from the capacity measured last.</summary>
    public const string Proportional = "proportional";

    /// <summary>The slowest stage as fast as possible.</summary>
    public const string Balanced = "balanced";

    /// <summary>As the user says.</summary>
    public const string Manual = "manual";

    /// <summary>Their names.</summary>
    public static IReadOnlyList<string> Names { get; } = [Static, Proportional, Balanced, Manual];

    /// <summary>The policy of a name, or null where the name is none of these.</summary>
    /// <param name="name">The name.</param>
    /// <param name="manual">Layers by device id; read by <see cref="Manual"/>.</param>
    public static IAllocationPolicy? Find(string name, IReadOnlyDictionary<string, int> manual) => name switch
    {
        Static => new StaticPolicy(),
        Proportional => new ProportionalPolicy(),
        Balanced => new BalancedPolicy(),
        Manual => new ManualPolicy(manual),
        _ => null,
    };

    /// <summary>The policy that the settings name, which must be a built-in one.</summary>
    public static IAllocationPolicy Required(AllocationSettings settings) =>
        Find(settings.Policy, settings.Manual)
        ?? throw new UserErrorException($"splitfrozen.allocation.policy = {settings.Policy} is none of {string.Join(", ", Names)}.");
}

/// <summary>clamp(round(C · c / max c), 1, C) from the capacity c of each device's node (<see cref="ProportionalAllocation"/>).</summary>
public sealed class ProportionalPolicy : IAllocationPolicy
{
    /// <inheritdoc/>
    public string Name => BuiltInPolicies.Proportional;

    /// <inheritdoc/>
    public IReadOnlyList<LayerAssignment> Decide(AllocationInput input) =>
        ProportionalAllocation.Assign(
            [.. input.Devices.Select(d => new DeviceCapacity(d.Device, d.Node, new Capacity(d.LayerTokensPerSecond, d.FreeMemoryBytes ?? 0)))], input.Cut);
}

/// <summary>As in the paper: proportional when a device is first seen, fixed for the rest of the run.</summary>
public sealed class StaticPolicy : IAllocationPolicy
{
    private readonly ProportionalPolicy _first = new();

    /// <inheritdoc/>
    public string Name => BuiltInPolicies.Static;

    /// <inheritdoc/>
    public IReadOnlyList<LayerAssignment> Decide(AllocationInput input)
    {
        var held = input.Devices.ToDictionary(d => d.Device, d => d.PreviousLayers);
        return [.. _first.Decide(input).Select(a => held[a.Device] is { } layers
            ? new LayerAssignment(a.Device, layers, string.Create(CultureInfo.InvariantCulture, $"static: keeps the {layers} it was given first")) : a)];
    }
}

/// <summary>Another policy, but for devices whose layers an operator has set.</summary>
/// <param name="inner">What decides for the others.</param>
/// <param name="layers">Layers by device.</param>
public sealed class OverriddenPolicy(IAllocationPolicy inner, IReadOnlyDictionary<DeviceId, int> layers) : IAllocationPolicy
{
    /// <inheritdoc/>
    public string Name => inner.Name;

    /// <inheritdoc/>
    public IReadOnlyList<LayerAssignment> Decide(AllocationInput input) =>
        [.. inner.Decide(input).Select(a => layers.TryGetValue(a.Device, out var set) ? new LayerAssignment(a.Device, set, $"{set} by `allocation set`") : a)];
}

/// <summary>Layer counts that the user names; devices that are not named are dealt with as by proportional.</summary>
/// <param name="layers">Layers by device id.</param>
public sealed class ManualPolicy(IReadOnlyDictionary<string, int> layers) : IAllocationPolicy
{
    private readonly ProportionalPolicy _rest = new();

    /// <inheritdoc/>
    public string Name => BuiltInPolicies.Manual;

    /// <inheritdoc/>
    public IReadOnlyList<LayerAssignment> Decide(AllocationInput input) =>
        [.. _rest.Decide(input).Select(a => layers.TryGetValue(a.Device.Value, out var named)
            ? new LayerAssignment(a.Device, named, $"{named} by splitfrozen.allocation.manual")
            : a with { Reason = $"not in splitfrozen.allocation.manual; {a.Reason}" })];
}
