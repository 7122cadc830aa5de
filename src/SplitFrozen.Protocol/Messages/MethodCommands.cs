namespace SplitFrozen.Protocol.Messages;

/// <summary>What the server tells devices that train. Adapters, activations and gradients travel over the channel.</summary>
public static class MethodCommands
{
    /// <summary>Work for one life of a device. It is told again where nothing comes of it: a device passes over what it knows.</summary>
    public interface IMethodCommand : DeviceCommands.IDeviceCommand
    {
        /// <summary>The life of the device that this is meant for.</summary>
        Incarnation Incarnation { get; }

        /// <summary>Place of the command among those of this life, from 0.</summary>
        int Number { get; }

        /// <summary>States that must have come over the channel in this life before.</summary>
        int States { get; }
    }

    /// <summary>Train a round from the state that came last, and send the result.</summary>
    /// <param name="Device">The device.</param>
    /// <param name="Incarnation">Its life.</param>
    /// <param name="Number">Place of the command.</param>
    /// <param name="States">States that it builds on.</param>
    /// <param name="Round">The round, from 0.</param>
    /// <param name="FirstBatch">First batch, counted over all passes of the device.</param>
    /// <param name="FirstStep">Number of the first step, over all rounds.</param>
    /// <param name="Rates">Learning rates of the steps.</param>
    public sealed record TrainRound(DeviceId Device, Incarnation Incarnation, int Number, int States, int Round, int FirstBatch, int FirstStep, double[] Rates)
        : IMethodCommand
    {
        /// <inheritdoc/>
        public string? Fault() =>
            Of(this) ?? Faults.Range("round", Round, 0, int.MaxValue) ?? Faults.Range("batch", FirstBatch, 0, int.MaxValue) ?? Faults.Range("step", FirstStep, 0, int.MaxValue)
            ?? (Rates is not { Length: > 0 } || !Array.TrueForAll(Rates, double.IsFinite) ? "the learning rates are missing or not finite" : null);
    }

    /// <summary>Run a batch forward, send its activations, and train on the gradients that come back.</summary>
    /// <param name="Device">The device.</param>
    /// <param name="Incarnation">Its life.</param>
    /// <param name="Number">Place of the command.</param>
    /// <param name="States">States that it builds on.</param>
    /// <param name="Batch">Which batch, counted over all passes of the device.</param>
    /// <param name="Step">The server's step.</param>
    /// <param name="Rate">Learning rate.</param>
    public sealed record TrainBatch(DeviceId Device, Incarnation Incarnation, int Number, int States, int Batch, int Step, double Rate) : IMethodCommand
    {
        /// <inheritdoc/>
        public string? Fault() =>
            Of(this) ?? Faults.Range("batch", Batch, 0, int.MaxValue) ?? Faults.Range("step", Step, 0, int.MaxValue)
            ?? (double.IsFinite(Rate) ? null : "the learning rate is not finite");
    }

    /// <summary>Send adapters and the optimiser's state.</summary>
    public sealed record SendState(DeviceId Device, Incarnation Incarnation, int Number, int States) : IMethodCommand
    {
        /// <inheritdoc/>
        public string? Fault() => Of(this);
    }

    private static string? Of(IMethodCommand command) =>
        Faults.Of(command.Device) ?? Faults.Range("number", command.Number, 0, int.MaxValue) ?? Faults.Range("states", command.States, 0, int.MaxValue);
}
