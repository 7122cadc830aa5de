using SplitFrozen.Domain.Models;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Files;

/// <summary>A safetensors file of state that is ours alone, such as the optimiser's.</summary>
internal static class StateFile
{
    /// <summary>Writes tensors to one file, atomically.</summary>
    public static void Save(string path, IReadOnlyList<TensorData> tensors)
    {
        using var scope = NewDisposeScope();
        SafetensorsWriter.Write(path, tensors.ToDictionary(tensor => tensor.Name, TensorBytes.ToTensor));
    }

    /// <summary>Reads all tensors of such a file.</summary>
    public static IReadOnlyList<TensorData> Read(string path) => TensorBytes.Of(SafetensorsFile.Open(path));
}
