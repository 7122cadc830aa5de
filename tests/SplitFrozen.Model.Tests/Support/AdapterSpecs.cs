using SplitFrozen.Domain.Models;
using SplitFrozen.Protocol;

namespace SplitFrozen.Model.Tests.Support;

/// <summary>Trainer specifications as adapter folders describe them.</summary>
internal static class AdapterSpecs
{
    /// <summary>The specification under which a folder's adapter was trained.</summary>
    /// <param name="folder">A PEFT folder.</param>
    /// <param name="cut">Its first block.</param>
    /// <param name="labels">Labels of its head; 0 for language modelling.</param>
    public static TrainerSpec Read(string folder, out int cut, int labels = 0)
    {
        var config = Json.Read(Path.Combine(folder, "adapter_config.json"));
        cut = config.GetProperty("layers_to_transform").Ints()[0];
        var lora = new LoraSpec(
            config.GetProperty("r").GetInt32(), config.GetProperty("lora_alpha").GetDouble(), 0,
            [.. config.GetProperty("target_modules").EnumerateArray().Select(item => item.GetString()!)]);
        return new TrainerSpec(labels == 0 ? TaskKind.LanguageModel : TaskKind.Classification, labels, cut, lora, 0.01, 1, 7);
    }
}
