using SplitFrozen.Model.Files;
using SplitFrozen.Model.Training;

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
    public static void Save(string folder, PeftConfig config, IReadOnlyList<Trainable> trainables)
    {
        Directory.CreateDirectory(folder);
        SafetensorsWriter.Write(Path.Combine(folder, WeightsFile), trainables.ToDictionary(t => Prefix + t.Name, t => t.Value));
        AtomicFile.Write(Path.Combine(folder, PeftConfig.FileName), config.Write);
    }

    /// <summary>Reads both files into the trainable tensors. Either all are set or, where anything does not fit, none.</summary>
    public static void Load(string folder, PeftConfig config, IReadOnlyList<Trainable> trainables)
    {
        config.CheckAgainst(ConfigJson.Read(Path.Combine(folder, PeftConfig.FileName)));
        var file = SafetensorsFile.Open(Path.Combine(folder, WeightsFile));
        TensorCopy.Into(file, trainables.Select(t => (t.Name, t.Value)).ToDictionary(), Canonical);
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
