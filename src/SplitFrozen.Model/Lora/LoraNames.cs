namespace SplitFrozen.Model.Lora;

/// <summary>Names of adapter tensors.</summary>
internal static class LoraNames
{
    /// <summary>Name of a module's A.</summary>
    public static string A(string module) => $"{module}.lora_A.weight";

    /// <summary>Name of a module's B.</summary>
    public static string B(string module) => $"{module}.lora_B.weight";
}
