using System.Collections.Immutable;

using SplitFrozen.Protocol;

namespace SplitFrozen.Domain.Allocation;

/// <summary>What the <see cref="Stabiliser"/> remembers from round to round.</summary>
/// <param name="Devices">What each device has, by id.</param>
/// <param name="IsSuspended">Whether changes are held back until <see cref="Resume"/>.</param>
public sealed record StabiliserState(ImmutableSortedDictionary<DeviceId, HeldLayers> Devices, bool IsSuspended)
{
    /// <summary>Nothing allocated, not suspended.</summary>
    public static StabiliserState Empty { get; } = new(ImmutableSortedDictionary<DeviceId, HeldLayers>.Empty, false);

    /// <summary>Gives a device layers at once, as an operator asked; they count as changed now.</summary>
    public StabiliserState With(DeviceId device, int layers, double now) =>
        this with { Devices = Devices.SetItem(device, Devices[device] with { Layers = layers, ChangedAt = now }) };

    /// <summary>Holds changes back; devices that are new still get layers.</summary>
    public StabiliserState Suspend() => this with { IsSuspended = true };

    /// <summary>Lets changes through again.</summary>
    public StabiliserState Resume() => this with { IsSuspended = false };
}

/// <summary>What one device has.</summary>
/// <param name="Layers">Its blocks.</param>
/// <param name="LayerTokensPerSecond">The rate that it was last judged by; measurements near it count as the same.</param>
/// <param name="LinkBytesPerSecond">The link's rate that it was last judged by, or null.</param>
/// <param name="ChangedAt">When its layers changed last, in seconds.</param>
public sealed record HeldLayers(int Layers, double LayerTokensPerSecond, double? LinkBytesPerSecond, double ChangedAt);

/// <summary>What a round came to.</summary>
/// <param name="State">For the next round.</param>
/// <param name="Assignments">What every device has now, sorted by id.</param>
/// <param name="Changes">Devices whose layers change with this round, new ones included.</param>
/// <param name="Postponed">Changes that the policy wants and that are held back.</param>
public sealed record StabilisedRound(
    StabiliserState State, IReadOnlyList<LayerAssignment> Assignments, IReadOnlyList<LayerChange> Changes, IReadOnlyList<PostponedChange> Postponed);

/// <summary>A device's layers change.</summary>
/// <param name="Device">The device.</param>
/// <param name="From">Layers before, or null for a new device.</param>
/// <param name="To">Layers from now on.</param>
/// <param name="Reason">Why, for a person.</param>
public sealed record LayerChange(DeviceId Device, int? From, int To, string Reason);

/// <summary>A change that is held back.</summary>
/// <param name="Device">The device.</param>
/// <param name="Layers">What it keeps.</param>
/// <param name="Wanted">What the policy wants.</param>
/// <param name="Why">What holds it back, for a person.</param>
public sealed record PostponedChange(DeviceId Device, int Layers, int Wanted, string Why);
