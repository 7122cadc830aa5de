using SplitFrozen.Domain.Allocation;
using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Allocation;

/// <summary>What operators ask of the allocator of a running cluster.</summary>
internal sealed partial class AllocatorActor
{
    /// <summary>Sets a device's layers, or leaves them to the policy again; takes effect at once, whether changes are paused or not.</summary>
    private object Set(SetLayers order)
    {
        if (!_devices.ContainsKey(order.Device) || !_state.Devices.TryGetValue(order.Device, out var held))
        {
            var there = _state.Devices.Count > 0 ? $"There are {string.Join(", ", _state.Devices.Keys)}." : "No device has layers yet.";
            return new Refused($"No device {order.Device} takes part. {there}");
        }

        if (order.Layers is not { } layers)
        {
            return Release(order.Device, held.Layers, order.IsDryRun);
        }

        var input = Input();
        var measure = input.Devices.First(d => d.Device == order.Device);
        if (layers < input.MinLayers || layers > input.Cut)
        {
            return new Refused($"{order.Device}={layers} is outside {input.MinLayers} to {input.Cut}, from splitfrozen.allocation.min to the frozen line.");
        }

        if (layers > input.Range(measure).High)
        {
            return new Refused($"{order.Device}={layers} is above the {input.Range(measure).High} layers that the memory of node {measure.Node} holds.");
        }

        if (!order.IsDryRun)
        {
            _overrides[order.Device] = layers;
            Force(order.Device, layers);
        }

        return new SetDone(order.Device, held.Layers, layers, order.IsDryRun, Explain(_policy.Name, input, Changed(order.Device, layers)));
    }

    private object Release(DeviceId device, int layers, bool isDryRun)
    {
        if (!_overrides.ContainsKey(device))
        {
            return new Refused($"The layers of {device} were not set, and are the policy's already.");
        }

        var input = Input();
        if (!isDryRun)
        {
            _overrides.Remove(device);
        }

        var wanted = Allocator.Decide(isDryRun ? _setting.Policy : _policy, input).First(a => a.Device == device).Layers;
        if (!isDryRun)
        {
            Force(device, wanted);
        }

        return new SetDone(device, layers, wanted, isDryRun, Explain(_policy.Name, input, Changed(device, wanted)));
    }

    private void Force(DeviceId device, int layers)
    {
        var changes = _state.Devices[device].Layers != layers;
        _state = _state.With(device, layers, Now);
        _assignments = Changed(device, layers);
        if (changes)
        {
            Publish([device]);
        }
    }

    private List<LayerAssignment> Changed(DeviceId device, int layers) =>
    [
        .. _assignments.Where(a => _devices.ContainsKey(a.Device)).Select(a => a.Device == device
            ? new LayerAssignment(device, layers, _overrides.ContainsKey(device) ? $"{layers} by `allocation set`" : $"{layers} by policy {_policy.Name}") : a),
    ];

    private PauseDone Suspend(bool isPaused)
    {
        var before = _state.IsSuspended;
        _state = isPaused ? _state.Suspend() : _state.Resume();
        return new PauseDone(before, isPaused);
    }

    private object State()
    {
        if (_state.Devices.Count == 0)
        {
            return new Refused("No layers are dealt out yet: training has not started.");
        }

        var input = Input();
        var there = input with { Devices = [.. input.Devices.Where(d => _state.Devices.ContainsKey(d.Device))] };
        return new AllocationState(
            _epoch, _state.IsSuspended, there, Explain(_policy.Name, there, _assignments), _postponed, new Dictionary<DeviceId, int>(_overrides),
            [.. BuiltInPolicies.Names.Select(name => BuiltInPolicies.Find(name, _setting.Settings.Manual)!)
                .Select(policy => Allocator.Explain(policy.Name, there, Allocator.Decide(policy, there)))]);
    }

    /// <summary>Predicts times over the devices that are there and have layers.</summary>
    private AllocationDecision Explain(string policy, AllocationInput input, IReadOnlyList<LayerAssignment> assignments)
    {
        var there = input with { Devices = [.. input.Devices.Where(d => _state.Devices.ContainsKey(d.Device))] };
        return Allocator.Explain(policy, there, [.. assignments.Where(a => _devices.ContainsKey(a.Device))]);
    }

    /// <summary>Give a device so many layers; answered by <see cref="SetDone"/> or <see cref="Refused"/>.</summary>
    /// <param name="Device">The device.</param>
    /// <param name="Layers">How many, or null: as the policy says.</param>
    /// <param name="IsDryRun">Whether only to say what would come of it.</param>
    internal sealed record SetLayers(DeviceId Device, int? Layers, bool IsDryRun) : ILocalMessage;

    /// <summary>Layers were set, or would be.</summary>
    internal sealed record SetDone(DeviceId Device, int Before, int Layers, bool IsDryRun, AllocationDecision Decision) : ILocalMessage;

    /// <summary>Hold changes back, or let them through again; answered by <see cref="PauseDone"/>.</summary>
    internal sealed record Pause(bool IsPaused) : ILocalMessage;

    /// <summary>Changes are held back or not.</summary>
    internal sealed record PauseDone(bool Before, bool IsPaused) : ILocalMessage;

    /// <summary>Say what is measured and decided; answered by <see cref="AllocationState"/> or <see cref="Refused"/>.</summary>
    internal sealed record ReadState : ILocalMessage
    {
        public static ReadState Instance { get; } = new();
    }

    /// <summary>What was asked for cannot be done.</summary>
    /// <param name="Reason">Why, and what can.</param>
    internal sealed record Refused(string Reason) : ILocalMessage;
}
