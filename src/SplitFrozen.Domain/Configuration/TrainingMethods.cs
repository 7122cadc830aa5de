namespace SplitFrozen.Domain.Configuration;

/// <summary>Values of splitfrozen.training.method.</summary>
public static class TrainingMethods
{
    /// <summary>Devices run the frozen blocks forward, the server trains the rest.</summary>
    public const string SplitFrozen = "splitfrozen";

    /// <summary>Centralised LoRA: the same model and data in one process.</summary>
    public const string CenLora = "cenlora";

    /// <summary>Federated LoRA: every device trains adapters of the whole model, and a server averages them.</summary>
    public const string FedLora = "fedlora";

    /// <summary>Split LoRA: devices train the first blocks' adapters with gradients that the server sends back.</summary>
    public const string SplitLora = "splitlora";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> All { get; } = [SplitFrozen, CenLora, FedLora, SplitLora];

    /// <summary>Those in which devices train adapters.</summary>
    public static bool HasTrainingDevices(string method) => method is FedLora or SplitLora;

    /// <summary>Those that freeze nothing for devices: the first block with adapters is 0, or that of splitfrozen.training.lora-from.</summary>
    public static bool TrainsAllBlocks(string method) => method != SplitFrozen;
}
