using System.Text.Json;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Models;
using SplitFrozen.Model.Files;
using SplitFrozen.Model.Peft;
using SplitFrozen.Model.Tests.Support;
using SplitFrozen.Model.Training;
using SplitFrozen.Protocol;

namespace SplitFrozen.Model.Tests.Peft;

/// <summary>Adapters go both ways between this program and huggingface/peft: the fixtures were written by peft 0.21.</summary>
public sealed class PeftSpecs
{
    private static readonly int[][] Texts = [[5, 9, 200, 31, 7], [1, 2, 3], [400, 77, 12, 90, 3, 8, 250, 11]];
    private static readonly string[] Sets = ["target_modules", "modules_to_save"];

    public static TheoryData<string, string> Adapters => new()
    {
        { "gpt2-random", "lm" }, { "gpt2-random", "cls" }, { "llama-random", "lm" }, { "llama-random", "cls" },
        { "llama3-rope-random", "lm" }, { "llama3-rope-random", "cls" },
    };

    [Theory]
    [MemberData(nameof(Adapters))]
    public void Should_write_the_tensors_that_peft_writes(string name, string task)
    {
        string golden = Repository.Fixture(name, $"{task}_adapter", "end");
        using var folder = Resaved(name, task, golden);

        var (expected, actual) = (Open(golden), Open(folder.Path));
        Assert.Equal(expected.Entries.Keys.Order(StringComparer.Ordinal), actual.Entries.Keys.Order(StringComparer.Ordinal));
        foreach (var (key, entry) in expected.Entries)
        {
            Assert.Equal(entry.Shape, actual.Entries[key].Shape);
            Assert.Equal(entry.TypeName, actual.Entries[key].TypeName);
            using var wanted = expected.Read(entry);
            using var found = actual.Read(actual.Entries[key]);
            Assert.Equal(wanted.Numbers(), found.Numbers());
        }
    }

    [Theory]
    [MemberData(nameof(Adapters))]
    public void Should_write_the_configuration_that_peft_writes(string name, string task)
    {
        string golden = Repository.Fixture(name, $"{task}_adapter", "end");
        using var folder = Resaved(name, task, golden);

        var expected = Configuration(golden);
        var actual = Configuration(folder.Path);
        Assert.Equal(expected.EnumerateObject().Select(p => p.Name), actual.EnumerateObject().Select(p => p.Name));
        foreach (var property in expected.EnumerateObject().Where(p => p.Name != "base_model_name_or_path"))
        {
            Assert.Equal(Canonical(property), Canonical(actual.EnumerateObject().Single(p => p.Name == property.Name)));
        }

        Assert.Equal(task == "lm" ? "model" : "classifier", actual.GetProperty("base_model_name_or_path").GetString());
    }

    [Theory]
    [MemberData(nameof(Adapters))]
    public void Should_give_the_logits_of_an_adapter_that_peft_wrote(string name, string task)
    {
        var golden = Json.Read(Repository.Fixture(name, $"{task}_trajectory.json"));
        string adapter = Repository.Fixture(name, $"{task}_adapter", "end");
        int[][] samples = [.. golden.GetProperty("batches")[0].GetProperty("input_ids").EnumerateArray().Select(ids => ids.Ints())];
        float[][] logits = Logits(name, task, adapter, samples);
        var expected = golden.GetProperty("logits_after");
        int longest = samples.Max(sample => sample.Length);
        for (int i = 0; i < samples.Length; i++)
        {
            // For language modelling the reference took the padded batch's last column: only the longest samples have a real token there.
            if (task == "cls" || samples[i].Length == longest)
            {
                double[] wanted = expected[i].Doubles();
                Near.Equal(wanted, logits[i].AsSpan(0, wanted.Length), 2e-5, $"logits of sample {i}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Adapters))]
    public void Should_give_equal_bits_after_saving_and_loading(string name, string task)
    {
        string golden = Repository.Fixture(name, $"{task}_adapter", "end");
        using var folder = Resaved(name, task, golden);

        float[][] before = Logits(name, task, golden, Texts);
        float[][] after = Logits(name, task, folder.Path, Texts);
        Assert.Equal(before.SelectMany(row => row), after.SelectMany(row => row));
    }

    [Theory]
    [MemberData(nameof(Adapters))]
    public void Should_read_what_an_adapter_says_of_itself(string name, string task)
    {
        var adapter = PeftAdapter.Open(Repository.Fixture(name, $"{task}_adapter", "end"));
        Assert.Equal(task == "lm" ? TaskKind.LanguageModel : TaskKind.Classification, adapter.Task);
        Assert.Equal((8.0, task == "lm" ? 0 : 5), (adapter.Scale, adapter.Labels));
        Assert.Null(adapter.BaseModel);
        Assert.Equal(name == "gpt2-random" ? 2 : name == "llama-random" ? 4 : 21, adapter.Modules.Count);
    }

    [Theory]
    [InlineData("\"use_rslora\": false", "\"use_rslora\": true", 16.0, null)]
    [InlineData("\"lora_alpha\": 32", "\"lora_alpha\": 2", 0.5, null)]
    [InlineData("\"use_dora\": false", "\"use_dora\": true", 0, "use_dora")]
    [InlineData("\"bias\": \"none\"", "\"bias\": \"all\"", 0, "bias")]
    [InlineData("\"peft_type\": \"LORA\"", "\"peft_type\": \"IA3\"", 0, "peft_type")]
    [InlineData("\"rank_pattern\": {}", "\"rank_pattern\": {\"c_attn\": 2}", 0, "rank_pattern")]
    [InlineData("\"alora_invocation_tokens\": null", "\"alora_invocation_tokens\": [5]", 0, "alora_invocation_tokens")]
    [InlineData("\"layer_replication\": null", "\"layer_replication\": [[0, 2], [1, 3]]", 0, "layer_replication")]
    [InlineData("\"layer_replication\": null", "\"layer_replication\": []", 8.0, null)]
    [InlineData("\"use_qalora\": false", "\"use_qalora\": true", 0, "use_qalora")]
    [InlineData("\"use_bdlora\": null", "\"use_bdlora\": {\"nblocks\": 2}", 0, "use_bdlora")]
    [InlineData("\"r\": 4", "\"r\": 2", 0, "r = 2, but 'base_model.model.")]
    [InlineData("\"peft_type\": \"LORA\"", "\"peft_type\": \"\\ud800\"", 0, "peft_type is \"\\ud800\", which is no valid text")]
    public void Should_take_the_scale_or_name_the_key_that_is_not_known(string found, string put, double scale, string? key)
    {
        using var folder = TestFolder.CopyOf(Repository.Fixture("gpt2-random", "lm_adapter", "end"));
        string path = folder.File("adapter_config.json");
        string text = File.ReadAllText(path);
        Assert.Contains(found, text, StringComparison.Ordinal);
        File.WriteAllText(path, text.Replace(found, put, StringComparison.Ordinal));
        if (key is null)
        {
            Assert.Equal(scale, PeftAdapter.Open(folder.Path).Scale);
        }
        else
        {
            Assert.Contains(key, Assert.Throws<UserErrorException>(() => PeftAdapter.Open(folder.Path)).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Should_refuse_an_adapter_without_matrices()
    {
        using var folder = TestFolder.CopyOf(Repository.Fixture("gpt2-random", "lm_adapter", "end"));
        File.WriteAllBytes(folder.File("adapter_model.safetensors"), [2, 0, 0, 0, 0, 0, 0, 0, (byte)'{', (byte)'}']);
        Assert.Contains("no LoRA matrices", Assert.Throws<UserErrorException>(() => PeftAdapter.Open(folder.Path)).Message, StringComparison.Ordinal);
    }

    /// <summary>A copy of an adapter that went through a trainer stage.</summary>
    private static TestFolder Resaved(string name, string task, string adapter)
    {
        var folder = new TestFolder();
        using var stage = Load(name, task, adapter, out _);
        stage.SaveAdapter(folder.Path);
        return folder;
    }

    private static TrainerStage Load(string name, string task, string adapter, out TrainerSpec spec)
    {
        spec = AdapterSpecs.Read(adapter, out _, labels: task == "lm" ? 0 : 5);
        var stage = (TrainerStage)Model(name, task).LoadTrainer(spec);
        stage.LoadAdapter(adapter);
        return stage;
    }

    private static HuggingFaceModel Model(string name, string task) => HuggingFaceModel.Open(Repository.Fixture(name, task == "lm" ? "model" : "classifier"));

    /// <summary>The logits of each sample's last token.</summary>
    private static float[][] Logits(string name, string task, string adapter, int[][] samples)
    {
        using var stage = Load(name, task, adapter, out var spec);
        using var blocks = Model(name, task).LoadFrozen(spec.Cut);
        var (rows, logits) = stage.Inspect(task == "cls"
            ? Samples.Labelled(blocks, samples, spec.Cut, new int[samples.Length])
            : Samples.LastTokenOnly(blocks, samples, spec.Cut));
        using (rows)
        using (logits)
        {
            return [.. logits.Numbers().Chunk((int)logits.shape[1])];
        }
    }

    private static SafetensorsFile Open(string folder) => SafetensorsFile.Open(Path.Combine(folder, "adapter_model.safetensors"));

    private static JsonElement Configuration(string folder) => Json.Read(Path.Combine(folder, "adapter_config.json"));

    /// <summary>A value's text; of lists that stand for sets the different items in order.</summary>
    private static string Canonical(JsonProperty property) => Sets.Contains(property.Name) && property.Value.ValueKind == JsonValueKind.Array
        ? string.Join(", ", property.Value.EnumerateArray().Select(item => item.GetString()).Distinct().Order(StringComparer.Ordinal))
        : property.Value.ValueKind == JsonValueKind.Number ? $"{property.Value.GetDouble()}" : JsonSerializer.Serialize(property.Value);
}
