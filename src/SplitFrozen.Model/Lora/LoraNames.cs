namespace SplitFrozen.Model.Lora;

/// <summary>Names of adapter tensors.</summary>
internal static class LoraNames
{
    /// <summary>Name of a module's A.</summary>
    public static string A(string module) => $"{module}.lora_A.weight";

    /// <summary>Name of a module's B.</summary>
    public static string B(string module) => $"{module}.lora_B.weight";

    /// <summary>Whether a tensor is some module's A.</summary>
    public static bool IsA(string name) => name.EndsWith(".lora_A.weight", StringComparison.Ordinal);
}
