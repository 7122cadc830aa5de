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

    /// <summary>Those that run in one process.</summary>
    public static bool IsSingleProcess(string method) => method != SplitFrozen;
}
