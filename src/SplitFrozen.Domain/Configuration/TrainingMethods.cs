namespace SplitFrozen.Domain.Configuration;

/// <summary>Values of splitfrozen.training.method.</summary>
public static class TrainingMethods
{
    /// <summary>Devices run the frozen blocks forward, the server trains the rest.</summary>
    public const string SplitFrozen = "splitfrozen";

    /// <summary>Centralised LoRA: the same model and data in one process.</summary>
    public const string CenLora = "cenlora";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> All { get; } = [SplitFrozen, CenLora];
}
