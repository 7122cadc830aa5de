using System.Collections.Immutable;
using System.Globalization;

using SplitFrozen.Domain.Configuration;
using SplitFrozen.Protocol;

namespace SplitFrozen.Domain.Allocation;

/// <summary>
/// Keeps any policy from changing layers for nothing. Hysteresis: the policy sees the rate that a device was last judged by until the measured one has left
/// the band around it, so that noise within the band changes nothing at all, whatever the policy. Cool-down: a device that changed rests. A round
/// changes so many devices at most, those that lose layers first, since they hold training up. Pure: state in, state out.
/// </summary>
public static class Stabiliser
{
    /// <summary>Runs one round.</summary>
    /// <param name="policy">What decides.</param>
    /// <param name="settings">Bounds of change.</param>
    /// <param name="state">From the round before.</param>
    /// <param name="measured">The devices that are there with what they measured; their <see cref="DeviceMeasure.PreviousLayers"/> are taken from the state. Devices of the state that are not here are forgotten.</param>
    /// <param name="now">Time in seconds, from any start; never falls.</param>
    public static StabilisedRound Next(IAllocationPolicy policy, AllocationSettings settings, StabiliserState state, AllocationInput measured, double now)
    {
        var judged = measured with { Devices = [.. measured.Devices.Select(d => Judge(d, state.Devices.GetValueOrDefault(d.Device), settings.Hysteresis))] };
        var wanted = Allocator.Decide(policy, judged);
        var measures = judged.Devices.ToDictionary(d => d.Device);
        var postponed = new List<PostponedChange>();
        var accepted = wanted
            .Where(w => Admit(w, state, judged.Range(measures[w.Device]), settings.CoolDown.TotalSeconds, now, postponed))
            .ToDictionary(w => w.Device);
        HoldBackExcess(accepted, state, judged, settings.MaxChanges, postponed);

        var assignments = wanted.Select(w => accepted.ContainsKey(w.Device) || state.Devices[w.Device].Layers == w.Layers
            ? w : Kept(w, state.Devices[w.Device].Layers, postponed.Find(p => p.Device == w.Device)!.Why)).ToList();
        var next = assignments.ToImmutableSortedDictionary(a => a.Device, a => new HeldLayers(
            a.Layers, measures[a.Device].LayerTokensPerSecond, measures[a.Device].LinkBytesPerSecond,
            accepted.ContainsKey(a.Device) ? now : state.Devices[a.Device].ChangedAt));
        return new StabilisedRound(
            state with { Devices = next }, assignments,
            [.. accepted.Values.OrderBy(a => a.Device).Select(a => new LayerChange(a.Device, state.Devices.GetValueOrDefault(a.Device)?.Layers, a.Layers, a.Reason))],
            [.. postponed.OrderBy(p => p.Device)]);
    }

    /// <summary>The measure that a device is judged by: rates inside the band around those it was judged by before stay as they were.</summary>
    private static DeviceMeasure Judge(DeviceMeasure measured, HeldLayers? held, double band) => held is null
        ? measured with { PreviousLayers = null }
        : measured with
        {
            PreviousLayers = held.Layers,
            LayerTokensPerSecond = Sticky(held.LayerTokensPerSecond, measured.LayerTokensPerSecond, band),
            LinkBytesPerSecond = held.LinkBytesPerSecond is { } before && measured.LinkBytesPerSecond is { } link ? Sticky(before, link, band) : measured.LinkBytesPerSecond,
        };

    private static double Sticky(double held, double measured, double band) => Math.Abs(measured - held) <= band * held ? held : measured;

    /// <summary>Whether a change may happen as far as the device itself is concerned; notes why not.</summary>
    private static bool Admit(
        LayerAssignment wanted, StabiliserState state, (int Low, int High) range, double coolDown, double now, List<PostponedChange> postponed)
    {
        if (!state.Devices.TryGetValue(wanted.Device, out var held))
        {
            return true;
        }

        if (held.Layers == wanted.Layers)
        {
            return false;
        }

        var rest = held.ChangedAt + coolDown - now;
        var why = IsForced(held, range) ? null
            : state.IsSuspended ? "reallocation is suspended"
            : rest > 0 ? string.Create(CultureInfo.InvariantCulture, $"its layers changed a short while ago; it rests {rest:0.#} s more (splitfrozen.allocation.cool-down)")
            : null;
        if (why is not null)
        {
            postponed.Add(new PostponedChange(wanted.Device, held.Layers, wanted.Layers, why));
        }

        return why is null;
    }

    /// <summary>What a device has is no longer possible, so that waiting would not do.</summary>
    private static bool IsForced(HeldLayers held, (int Low, int High) range) => held.Layers < range.Low || held.Layers > range.High;

    private static void HoldBackExcess(
        Dictionary<DeviceId, LayerAssignment> accepted, StabiliserState state, AllocationInput input, int maxChanges, List<PostponedChange> postponed)
    {
        var ranges = input.Devices.ToDictionary(d => d.Device, input.Range);
        var optional = accepted.Values
            .Where(a => state.Devices.TryGetValue(a.Device, out var held) && !IsForced(held, ranges[a.Device]))
            .Select(a => (Wanted: a, Held: state.Devices[a.Device].Layers))
            .OrderBy(c => c.Wanted.Layers < c.Held ? 0 : 1).ThenByDescending(c => Math.Abs(c.Wanted.Layers - c.Held)).ThenBy(c => c.Wanted.Device);
        foreach (var (excess, held) in optional.Skip(maxChanges).ToList())
        {
            accepted.Remove(excess.Device);
            postponed.Add(new PostponedChange(
                excess.Device, held, excess.Layers, $"{maxChanges} other devices change first (splitfrozen.allocation.max-changes)"));
        }
    }

    private static LayerAssignment Kept(LayerAssignment wanted, int layers, string why) =>
        new(wanted.Device, layers, $"keeps {layers}, though {wanted.Layers} are wanted ({wanted.Reason}): {why}");
}
