using System.Text.Json;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Models;
using SplitFrozen.Model.Blocks;
using SplitFrozen.Model.Files;
using SplitFrozen.Protocol;

namespace SplitFrozen.Model.Peft;

/// <summary>What adapter_config.json says of our adapters, in the terms and with the keys of huggingface/peft.</summary>
internal sealed record PeftConfig(
    string BaseModel, TaskKind Task, int Rank, double Alpha, double Dropout, IReadOnlyList<string> Targets, IReadOnlyList<int> Layers,
    bool FanInFanOut)
{
    /// <summary>Keys of kinds of adapters whose function is another one; absent, null, false or empty they change nothing.</summary>
    private static readonly string[] OtherKinds =
    [
        "use_dora", "use_bdlora", "use_qalora", "lora_bias", "alora_invocation_tokens", "layer_replication", "target_parameters", "trainable_token_indices", "arrow_config",
        "alpha_pattern", "rank_pattern",
    ];

    /// <summary>Name of the file in an adapter's folder.</summary>
    public const string FileName = "adapter_config.json";

    /// <summary>The configuration of the adapters of some trained blocks.</summary>
    public static PeftConfig From(Architecture architecture, TrainerSpec spec, string modelName, BlockRange blocks) => new(
        modelName, spec.Task, spec.Lora.Rank, spec.Lora.Alpha, spec.Lora.Dropout,
        [.. (spec.Lora.Targets.Count > 0 ? spec.Lora.Targets : architecture.UsualTargets).Order(StringComparer.Ordinal)],
        [.. Enumerable.Range(blocks.From, blocks.Count)],
        architecture.Order == WeightOrder.InputFirst);

    /// <summary>Throws <see cref="UserErrorException"/> where a folder's configuration means another function than this one.</summary>
    public void CheckAgainst(ConfigJson json)
    {
        RequirePlain(json);
        Require(json, "use_rslora", json.Flag("use_rslora", false), false);
        Require(json, "r", json.Integer("r", 1, int.MaxValue), Rank);
        Require(json, "lora_alpha", json.Number("lora_alpha", double.MinValue, double.MaxValue), Alpha);
    }

    /// <summary>Throws <see cref="UserErrorException"/> where a configuration is of another kind of adapter than y = W x + s · B A x, one rank and scale for all modules.</summary>
    public static void RequirePlain(ConfigJson json)
    {
        if (json.Text("peft_type") is var kind && kind != "LORA")
        {
            throw json.Unsupported("peft_type", kind is null ? "absent" : $"'{kind}'", "LORA");
        }

        if ((json.Text("bias") ?? "none") is var bias && bias != "none")
        {
            throw json.Unsupported("bias", $"'{bias}'", "none");
        }

        if (Array.Find(OtherKinds, json.SaysSomething) is { } key)
        {
            throw json.Unsupported(key, "set", "plain LoRA with one rank and alpha for all modules, in which it is absent, null, false or empty");
        }
    }

    /// <summary>Writes the file's content; equal configurations give equal bytes.</summary>
    public void Write(Stream stream)
    {
        using var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true });
        writer.WriteStartObject();
        foreach (var (key, write) in Entries())
        {
            writer.WritePropertyName(key);
            write(writer);
        }

        writer.WriteEndObject();
    }

    /// <summary>All keys that peft 0.21 writes, sorted as it sorts them.</summary>
    private IEnumerable<(string Key, Action<Utf8JsonWriter> Write)> Entries()
    {
        Dictionary<string, Action<Utf8JsonWriter>> entries = new(StringComparer.Ordinal)
        {
            ["alpha_pattern"] = EmptyObject,
            ["base_model_name_or_path"] = writer => writer.WriteStringValue(BaseModel),
            ["bias"] = writer => writer.WriteStringValue("none"),
            ["ensure_weight_tying"] = False,
            ["fan_in_fan_out"] = writer => writer.WriteBooleanValue(FanInFanOut),
            ["inference_mode"] = writer => writer.WriteBooleanValue(true),
            ["init_lora_weights"] = writer => writer.WriteBooleanValue(true),
            ["layers_to_transform"] = writer => WriteList(writer, Layers, writer.WriteNumberValue),
            ["loftq_config"] = EmptyObject,
            ["lora_alpha"] = writer => writer.WriteNumberValue(Alpha),
            ["lora_bias"] = False,
            ["lora_dropout"] = writer => writer.WriteNumberValue(Dropout),
            ["megatron_core"] = writer => writer.WriteStringValue("megatron.core"),
            ["modules_to_save"] = WriteSavedModules,
            ["peft_type"] = writer => writer.WriteStringValue("LORA"),
            ["peft_version"] = writer => writer.WriteStringValue("0.21.2"),
            ["qalora_group_size"] = writer => writer.WriteNumberValue(16),
            ["r"] = writer => writer.WriteNumberValue(Rank),
            ["rank_pattern"] = EmptyObject,
            ["target_modules"] = writer => WriteList(writer, Targets, writer.WriteStringValue),
            ["task_type"] = writer => writer.WriteStringValue(Task == TaskKind.Classification ? "SEQ_CLS" : "CAUSAL_LM"),
            ["use_dora"] = False,
            ["use_qalora"] = False,
            ["use_rslora"] = False,
        };
        foreach (string key in _nullKeys)
        {
            entries.Add(key, writer => writer.WriteNullValue());
        }

        return entries.OrderBy(entry => entry.Key, StringComparer.Ordinal).Select(entry => (entry.Key, entry.Value));
    }

    private static readonly string[] _nullKeys =
    [
        "alora_invocation_tokens", "arrow_config", "auto_mapping", "corda_config", "eva_config", "exclude_modules", "kasa_config",
        "layer_replication", "layers_pattern", "lora_ga_config", "megatron_config", "monteclora_config", "revision", "target_parameters",
        "trainable_token_indices", "use_bdlora", "velora_config",
    ];

    private static void EmptyObject(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteEndObject();
    }

    private static void False(Utf8JsonWriter writer) => writer.WriteBooleanValue(false);

    private void WriteSavedModules(Utf8JsonWriter writer)
    {
        if (Task == TaskKind.Classification)
        {
            WriteList(writer, ["classifier", "score"], writer.WriteStringValue);
        }
        else
        {
            writer.WriteNullValue();
        }
    }

    private static void WriteList<T>(Utf8JsonWriter writer, IEnumerable<T> items, Action<T> write)
    {
        writer.WriteStartArray();
        foreach (var item in items)
        {
            write(item);
        }

        writer.WriteEndArray();
    }

    private static void Require<T>(ConfigJson json, string key, T found, T wanted)
    {
        if (!EqualityComparer<T>.Default.Equals(found, wanted))
        {
            throw json.Unsupported(key, $"{found}", $"{wanted}, as this run is configured");
        }
    }
}
