namespace SplitFrozen.Domain.Configuration;

/// <summary>What federated devices average.</summary>
public enum FedLoraVariant
{
    /// <summary>A, B and head, each on its own: the product of the averages is not the average of the products (Zhang et al. 2024).</summary>
    FedIt,

    /// <summary>B and head; A stays as it was drawn, so that the average is exact and half as much is sent (Sun et al. 2024).</summary>
    Ffa,

    /// <summary>As <see cref="FedIt"/>; what the average of the products has beyond the product of the averages goes into the frozen weights (FedEx-LoRA, Singhal et al. 2024).</summary>
    Exact,
}

/// <summary>Keys splitfrozen.fedlora.*: federated LoRA.</summary>
/// <param name="Variant">What is averaged.</param>
/// <param name="LocalEpochs">Passes of a device over its data in a round (key <c>local-epochs</c>).</param>
/// <param name="LocalSteps">Steps of a device in a round instead of whole passes (key <c>local-steps</c>), or null.</param>
/// <param name="Rounds">Rounds, or null: as many as make <c>training.epochs</c> passes over the data.</param>
/// <param name="Participation">Share of the devices that a round draws, at least one device.</param>
/// <param name="DropoutRate">Probability with which a drawn device fails before it has sent anything (key <c>device-dropout</c>).</param>
/// <param name="KeepOptimizer">Whether devices keep their optimiser's state from round to round (key <c>keep-optimizer</c>).</param>
public sealed record FedLoraSettings(
    FedLoraVariant Variant, int LocalEpochs, int? LocalSteps, int? Rounds, double Participation, double DropoutRate, bool KeepOptimizer)
{
    /// <summary>Peak learning rate, or null: that of all methods (key <c>learning-rate</c>).</summary>
    public double? LearningRate { get; init; }

    /// <summary>What splitfrozen.conf says.</summary>
    public static FedLoraSettings Default { get; } = new(FedLoraVariant.FedIt, 1, null, null, 1, 0, false);
}

/// <summary>In which order SplitLoRA's server and devices work.</summary>
public enum SplitLoraOrder
{
    /// <summary>Device after device, with a step of the server after each batch, as in the public implementation.</summary>
    Sequential,

    /// <summary>All devices with a batch each, then one step of the server over all of them.</summary>
    Parallel,
}

/// <summary>Keys splitfrozen.splitlora.*: split LoRA.</summary>
/// <param name="Blocks">Blocks k that devices hold and train, or null: the frozen line of splitfrozen.model.cut.</param>
/// <param name="AverageEvery">Rounds I from one average of the devices' adapters to the next (key <c>average-every</c>); a round is a batch of each device.</param>
/// <param name="Order">Who works when.</param>
public sealed record SplitLoraSettings(int? Blocks, int AverageEvery, SplitLoraOrder Order)
{
    /// <summary>Peak learning rate, or null: that of all methods (key <c>learning-rate</c>).</summary>
    public double? LearningRate { get; init; }

    /// <summary>What splitfrozen.conf says.</summary>
    public static SplitLoraSettings Default { get; } = new(null, 10, SplitLoraOrder.Sequential);
}
