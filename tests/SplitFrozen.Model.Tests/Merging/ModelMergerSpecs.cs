using SplitFrozen.Domain;
using SplitFrozen.Domain.Models;
using SplitFrozen.Model.Files;
using SplitFrozen.Model.Merging;
using SplitFrozen.Model.Tests.Support;
using SplitFrozen.Model.Training;

namespace SplitFrozen.Model.Tests.Merging;

/// <summary>A merged model is a model folder like any other, and gives the logits of base and adapter.</summary>
public sealed class ModelMergerSpecs
{
    private const double Tolerance = 2e-5;
    private static readonly int[][] Texts = [[5, 9, 200, 31, 7], [1, 2, 3], [400, 77, 12, 90, 3, 8, 250, 11]];

    public static TheoryData<string> Models => ["gpt2-random", "llama-random", "llama3-rope-random"];

    [Theory]
    [MemberData(nameof(Models))]
    public void Should_give_the_language_models_logits(string name)
    {
        using var folder = new TestFolder();
        using var source = TestFolder.CopyOf(Repository.Fixture(name, "model"));
        File.WriteAllText(source.File("generation_config.json"), "{}");
        string adapter = Repository.Fixture(name, "lm_adapter", "end");
        string merged = folder.File("merged");
        ModelMerger.Write(source.Path, adapter, [], merged);

        float[] expected = Logits(source.Path, AdapterSpecs.Read(adapter, out _), adapter);
        Near.Equal([.. expected.Select(value => (double)value)], Logits(merged, Specs.Language(cut: 1), null), Tolerance, "merged logits");
        var config = Json.Read(Path.Combine(merged, "config.json"));
        Assert.EndsWith(name == "gpt2-random" ? "LMHeadModel" : "ForCausalLM", config.GetProperty("architectures")[0].GetString(), StringComparison.Ordinal);
        Assert.Equal("float32", config.GetProperty("dtype").GetString());
        Assert.True(File.Exists(Path.Combine(merged, "generation_config.json")));
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Should_give_the_classifiers_logits(string name)
    {
        using var folder = new TestFolder();
        using var source = WithTokenizer(Repository.Fixture(name, "classifier"));
        string adapter = Repository.Fixture(name, "cls_adapter", "end");
        string merged = folder.File("merged");
        ModelMerger.Write(source.Path, adapter, ["a", "b", "c", "d", "e"], merged);

        float[] expected = Logits(source.Path, AdapterSpecs.Read(adapter, out _, labels: 5), adapter);
        Near.Equal([.. expected.Select(value => (double)value)], Logits(merged, Specs.Classify(labels: 5, cut: 1), null), Tolerance, "merged logits");
        Assert.Contains("score.weight", SafetensorsFile.Open(Path.Combine(merged, "model.safetensors")).Entries.Keys);
        var config = Json.Read(Path.Combine(merged, "config.json"));
        Assert.EndsWith("ForSequenceClassification", config.GetProperty("architectures")[0].GetString(), StringComparison.Ordinal);
        Assert.Equal("d", config.GetProperty("id2label").GetProperty("3").GetString());
        Assert.Equal(3, config.GetProperty("label2id").GetProperty("d").GetInt32());
        Assert.Equal(0, config.GetProperty("pad_token_id").GetInt32());
        Assert.Equal("<unk>", Json.Read(Path.Combine(merged, "tokenizer_config.json")).GetProperty("pad_token").GetString());
    }

    [Fact]
    public void Should_write_the_whole_models_names_and_keep_the_tokenizer()
    {
        using var folder = new TestFolder();
        string merged = folder.File("merged");
        ModelMerger.Write(Repository.TinyGpt2, Repository.Fixture("tiny-gpt2", "cls_lora", "end"), [], merged);

        var names = SafetensorsFile.Open(Path.Combine(merged, "model.safetensors")).Entries.Keys;
        Assert.Equal(2 + (8 * 12) + 2 + 1, names.Count());
        Assert.All(names.Where(name => name != "score.weight"), name => Assert.StartsWith("transformer.", name, StringComparison.Ordinal));
        foreach (string file in new[] { "vocab.json", "merges.txt" })
        {
            Assert.Equal(File.ReadAllBytes(Path.Combine(Repository.TinyGpt2, file)), File.ReadAllBytes(Path.Combine(merged, file)));
        }

        var config = Json.Read(Path.Combine(merged, "config.json"));
        Assert.Equal("LABEL_76", config.GetProperty("id2label").GetProperty("76").GetString());
        Assert.Equal(8191, config.GetProperty("pad_token_id").GetInt32());
        Assert.Equal("<|endoftext|>", Json.Read(Path.Combine(merged, "tokenizer_config.json")).GetProperty("pad_token").GetString());
    }

    [Fact]
    public void Should_leave_an_existing_folder_alone()
    {
        using var folder = new TestFolder();
        var error = Assert.Throws<UserErrorException>(
            () => ModelMerger.Write(Repository.Fixture("gpt2-random", "model"), Repository.Fixture("gpt2-random", "lm_adapter", "end"), [], folder.Path));
        Assert.Contains("exists", error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
    }

    [Fact]
    public void Should_leave_nothing_behind_where_the_adapter_does_not_fit()
    {
        using var folder = new TestFolder();
        var error = Assert.Throws<UserErrorException>(
            () => ModelMerger.Write(Repository.Fixture("gpt2-random", "model"), Repository.Fixture("llama-random", "lm_adapter", "end"), [], folder.File("merged")));
        Assert.Contains("which the model does not have", error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
    }

    /// <summary>The logits of the last tokens [N, K].</summary>
    private static float[] Logits(string folder, TrainerSpec spec, string? adapter)
    {
        var model = HuggingFaceModel.Open(folder);
        using var blocks = model.LoadFrozen(spec.Cut);
        using var stage = (TrainerStage)model.LoadTrainer(spec);
        if (adapter is not null)
        {
            stage.LoadAdapter(adapter);
        }

        var batch = spec.Labels > 0 ? Samples.Labelled(blocks, Texts, spec.Cut, new int[Texts.Length]) : Samples.LastTokenOnly(blocks, Texts, spec.Cut);
        var (rows, logits) = stage.Inspect(batch);
        using (rows)
        using (logits)
        {
            return logits.Numbers();
        }
    }

    private static TestFolder WithTokenizer(string model)
    {
        var folder = TestFolder.CopyOf(model);
        File.Copy(Repository.Fixture("stories260k", "tokenizer.json"), folder.File("tokenizer.json"));
        return folder;
    }
}
