namespace SplitFrozen.Protocol.Messages;

/// <summary>What the server tells a device.</summary>
public static class DeviceCommands
{
    /// <summary>A command for one device.</summary>
    public interface IDeviceCommand : IWireMessage, IWithDeviceId, IValidated;

    /// <summary>The device takes part: prepare the samples under this specification and open the activation channel.</summary>
    public sealed record Welcome(DeviceId Device, Incarnation Incarnation, RunSpec Run, ChannelEndpoint Channel) : IDeviceCommand
    {
        /// <inheritdoc/>
        public string? Fault() =>
            Faults.Of(Device)
            ?? (Run is null || Run.Labels is null || Run.Partition is null || Run.ModelFingerprint is null ? "a run specification is missing" : null)
            ?? (Channel is null || Channel.Port is < 1 or > 65535 || string.IsNullOrEmpty(Channel.Host) || string.IsNullOrEmpty(Channel.Token) ? "the channel endpoint is incomplete" : null)
            ?? Faults.Range("cut", Run!.Cut, Run.Method is null ? 1 : 0, 100_000) ?? Run.Method?.Fault()
            ?? Faults.Range("max-length", Run.MaxLength, 1, 10_000_000)
            ?? Faults.Range("unit-tokens", Run.UnitTokens, 1, 100_000_000)
            ?? Faults.Range("credits", Run.Credits, 1, 1_000_000)
            ?? Faults.Range("threads", Run.Threads, 1, 4096)
            ?? Faults.Range("heartbeat", Run.HeartbeatMilliseconds, 10, 3_600_000)
            ?? (Enum.IsDefined(Run.Codec) ? null : $"codec {Run.Codec} is not known");
    }

    /// <summary>The device may not take part.</summary>
    /// <param name="Device">The device that asked.</param>
    /// <param name="Incarnation">Its incarnation.</param>
    /// <param name="Reason">Kind of refusal.</param>
    /// <param name="Explanation">What is wrong and what to do, for a person.</param>
    public sealed record Refuse(DeviceId Device, Incarnation Incarnation, RefusalReason Reason, string Explanation) : IDeviceCommand
    {
        /// <inheritdoc/>
        public string? Fault() => Faults.Of(Device) ?? (Explanation is null ? "an explanation is missing" : null);
    }

    /// <summary>Hold the embeddings and blocks [0, <paramref name="Layers"/>) from now on.</summary>
    /// <param name="Device">The device.</param>
    /// <param name="Allocation">Epoch of this allocation.</param>
    /// <param name="Layers">Frozen blocks the device runs, from 1 to the cut layer.</param>
    public sealed record AssignLayers(DeviceId Device, AllocationEpoch Allocation, int Layers) : IDeviceCommand
    {
        /// <inheritdoc/>
        public string? Fault() => Faults.Of(Device) ?? Faults.Range("layers", Layers, 1, 100_000);
    }

    /// <summary>Run these samples forward, cut into forward units in this order, and send them.</summary>
    /// <param name="Device">The device.</param>
    /// <param name="Incarnation">The life of the device that this is meant for.</param>
    /// <param name="Id">Which grant.</param>
    /// <param name="Samples">Indices into the device's samples, in the order of the sampling plan.</param>
    /// <param name="SkipUnits">Forward units of this grant that the server already has.</param>
    public sealed record Grant(DeviceId Device, Incarnation Incarnation, GrantId Id, int[] Samples, int[] SkipUnits) : IDeviceCommand
    {
        /// <inheritdoc/>
        public string? Fault() =>
            Faults.Of(Device) ?? (Samples is null || SkipUnits is null ? "the samples are missing" : null)
            ?? (Samples!.Length == 0 ? "a grant holds no sample" : null)
            ?? (Array.Exists(Samples, s => s < 0) ? "a sample index is negative" : null)
            ?? (Array.Exists(SkipUnits!, u => u < 0) ? "a unit's number is negative" : null)
            ?? (Id.Epoch < 0 || Id.Number < 0 ? "the grant's id is negative" : null);
    }

    /// <summary>Credits come back: so many units of this incarnation were placed in all. Cumulative, so that a lost message does no harm.</summary>
    public sealed record ReturnCredits(DeviceId Device, Incarnation Incarnation, long PlacedUnits) : IDeviceCommand
    {
        /// <inheritdoc/>
        public string? Fault() => Faults.Of(Device) ?? (PlacedUnits < 0 ? "a count is negative" : null);
    }

    /// <summary>The run is over, or was stopped: report the final figures and stop.</summary>
    public sealed record Finish(DeviceId Device) : IDeviceCommand
    {
        /// <inheritdoc/>
        public string? Fault() => Faults.Of(Device);
    }
}
