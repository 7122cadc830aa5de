namespace SplitFrozen.Protocol.Messages;

/// <summary>What a device tells the server.</summary>
public static class DeviceEvents
{
    /// <summary>An event of one life of one device.</summary>
    public interface IDeviceEvent : IWireMessage, IWithDeviceId, IValidated
    {
        /// <summary>The life of the device that speaks.</summary>
        Incarnation Incarnation { get; }
    }

    /// <summary>The device is there and asks to take part.</summary>
    /// <param name="Device">Its id.</param>
    /// <param name="Incarnation">Its life.</param>
    /// <param name="Node">Name of the node it lives on, for people.</param>
    /// <param name="ProtocolVersion">Version it speaks.</param>
    /// <param name="ModelFingerprint">Hash of its model folder (hexadecimal).</param>
    /// <param name="Pinned">Whether its data lives on that node only.</param>
    public sealed record Greeted(
        DeviceId Device, Incarnation Incarnation, string Node, int ProtocolVersion, string ModelFingerprint, bool Pinned) : IDeviceEvent
    {
        /// <summary>Release of its program, for people.</summary>
        public string Release { get; init; } = "";

        /// <summary>Whether its node was told that a standby server may take over; all nodes must have been, or none.</summary>
        public bool KnowsStandby { get; init; }

        /// <summary>The method that its node is set to.</summary>
        public string Method { get; init; } = "splitfrozen";

        /// <inheritdoc/>
        public string? Fault() =>
            Faults.Of(Device) ?? Faults.Text("node's name", Node, 256) ?? Faults.Text("model's fingerprint", ModelFingerprint, 256) ?? Faults.Text("release", Release ?? "", 64)
            ?? Faults.Text("method", Method, 64);
    }

    /// <summary>The samples are tokenised and the capacity is measured.</summary>
    /// <param name="Device">Its id.</param>
    /// <param name="Incarnation">Its life.</param>
    /// <param name="Samples">How many samples it has, from 0.</param>
    /// <param name="Capacity">What its node can do.</param>
    /// <param name="DataFingerprint">SHA-256 over its samples (64 hexadecimal digits), by which stored activations are told to be of the same data.</param>
    public sealed record Prepared(DeviceId Device, Incarnation Incarnation, int Samples, Capacity Capacity, string DataFingerprint) : IDeviceEvent
    {
        /// <inheritdoc/>
        public string? Fault() =>
            Faults.Of(Device) ?? Faults.Range("samples", Samples, 0, int.MaxValue) ?? Capacity.Fault()
            ?? (DataFingerprint is not { Length: 64 } || !DataFingerprint.All(char.IsAsciiHexDigitLower) ? "the data's fingerprint is not 64 hexadecimal digits" : null);
    }

    /// <summary>The blocks of an allocation are loaded.</summary>
    public sealed record LayersLoaded(DeviceId Device, Incarnation Incarnation, AllocationEpoch Allocation, int Layers) : IDeviceEvent
    {
        /// <inheritdoc/>
        public string? Fault() => Faults.Of(Device) ?? Faults.Range("layers", Layers, 1, 100_000);
    }

    /// <summary>Sign of life with capacity and work done so far.</summary>
    public sealed record Heartbeat(DeviceId Device, Incarnation Incarnation, Capacity Capacity, WorkDone Work) : IDeviceEvent
    {
        /// <summary>The allocation whose layers it runs with, or 0 before the first.</summary>
        public AllocationEpoch Allocation { get; init; }

        /// <inheritdoc/>
        public string? Fault() => Faults.Of(Device) ?? Capacity.Fault() ?? Work.Fault();
    }

    /// <summary>What the device and its link did since it told so last; only where the run is traced.</summary>
    /// <param name="Device">Its id.</param>
    /// <param name="Incarnation">Its life.</param>
    /// <param name="SentAt">Time of sending by the device's clock, in microseconds since the Unix epoch.</param>
    /// <param name="Starts">When each operation began, by the same clock [N].</param>
    /// <param name="Durations">Microseconds of each [N].</param>
    /// <param name="Transfers">Whether each was a transfer; otherwise a forward unit [N].</param>
    public sealed record Traced(DeviceId Device, Incarnation Incarnation, long SentAt, long[] Starts, long[] Durations, bool[] Transfers) : IDeviceEvent
    {
        /// <inheritdoc/>
        public string? Fault() =>
            Faults.Of(Device)
            ?? (Starts is null || Durations is null || Transfers is null || Starts.Length != Durations.Length || Starts.Length != Transfers.Length
                ? "the parts of a trace differ in length" : null)
            ?? Faults.Length("operations", Starts, 200_000)
            ?? (Array.Exists(Durations!, d => d is < 0 or > 86_400_000_000) || Array.Exists(Starts!, s => Math.Abs(SentAt - s) > 86_400_000_000)
                ? "a time of a trace is out of range" : null);
    }

    /// <summary>The final figures, in answer to <see cref="DeviceCommands.Finish"/>; the device stops.</summary>
    public sealed record Finished(DeviceId Device, Incarnation Incarnation, WorkDone Work) : IDeviceEvent
    {
        /// <inheritdoc/>
        public string? Fault() => Faults.Of(Device) ?? Work.Fault();
    }

    /// <summary>The device leaves in order: the server has all units that it had begun. A later life of it, here or on another node, goes on with the rest.</summary>
    public sealed record Left(DeviceId Device, Incarnation Incarnation, WorkDone Work) : IDeviceEvent
    {
        /// <inheritdoc/>
        public string? Fault() => Faults.Of(Device) ?? Work.Fault();
    }

    /// <summary>The device cannot go on.</summary>
    /// <param name="Device">Its id.</param>
    /// <param name="Incarnation">Its life.</param>
    /// <param name="Reason">What is wrong and what to do, for a person.</param>
    public sealed record Failed(DeviceId Device, Incarnation Incarnation, string Reason) : IDeviceEvent
    {
        /// <inheritdoc/>
        public string? Fault() => Faults.Of(Device) ?? Faults.Text("reason", Reason, 16_384);
    }
}
