using SplitFrozen.Domain.Files;
using SplitFrozen.Domain.Models;
using SplitFrozen.Model.Files;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Peft;

/// <summary>
/// Adapters as a folder in the form of huggingface/peft (docs/source/developer_guides/checkpoint.md there): the names of the model's
/// modules behind <c>base_model.model.</c>, then <c>lora_A.weight</c> and <c>lora_B.weight</c>; a saved head by its own name.
/// </summary>
internal static class PeftFolder
{
    internal const string WeightsFile = "adapter_model.safetensors";
    private const string Prefix = "base_model.model.";

    /// <summary>Writes both files, each atomically.</summary>
    /// <param name="folder">Where to.</param>
    /// <param name="config">What the adapter is.</param>
    /// <param name="tensors">Its tensors by the model's names.</param>
    public static void Save(string folder, PeftConfig config, IReadOnlyList<TensorData> tensors)
    {
        Directory.CreateDirectory(folder);
        using var scope = NewDisposeScope();
        SafetensorsWriter.Write(Path.Combine(folder, WeightsFile), tensors.ToDictionary(t => Prefix + t.Name, TensorBytes.ToTensor));
        AtomicFile.Write(Path.Combine(folder, PeftConfig.FileName), config.Write);
    }

    /// <summary>Reads both files; tensors come with the model's names.</summary>
    /// <exception cref="Domain.UserErrorException">A file is missing or damaged, or the configuration means another function than <paramref name="config"/>.</exception>
    public static IReadOnlyList<TensorData> Read(string folder, PeftConfig config)
    {
        config.CheckAgainst(ConfigJson.Read(Path.Combine(folder, PeftConfig.FileName)));
        var file = SafetensorsFile.Open(Path.Combine(folder, WeightsFile));
        return [.. TensorBytes.Of(file).Select(tensor => tensor with { Name = Canonical(tensor.Name) })];
    }

    /// <summary>A module name without what peft adds; older versions and in-memory state name the adapter and wrap saved modules.</summary>
    internal static string Canonical(string name)
    {
        string bare = name.StartsWith(Prefix, StringComparison.Ordinal) ? name[Prefix.Length..] : name;
        return bare
            .Replace(".modules_to_save.default.", ".", StringComparison.Ordinal)
            .Replace(".modules_to_save.", ".", StringComparison.Ordinal)
            .Replace(".default.weight", ".weight", StringComparison.Ordinal);
    }
}
