using static TorchSharp.torch;

namespace SplitFrozen.Model.Blocks;

/// <summary>Memory of modules.</summary>
internal static class ModuleBytes
{
    /// <summary>Bytes of a module's parameters.</summary>
    public static long WeightBytes(this nn.Module module) =>
        module.parameters().Sum(parameter => parameter.numel() * parameter.element_size());
}
