using SplitFrozen.Domain;
using SplitFrozen.Model.Gguf;
using SplitFrozen.Model.Tests.Support;
using SplitFrozen.Model.Training;

namespace SplitFrozen.Model.Tests.Gguf;

/// <summary>Models from GGUF files give what the folders give that the files were made of.</summary>
public sealed class GgufModelSpecs
{
    private static readonly int[][] _samples = [[3, 141, 59, 26, 5], [35, 89, 7]];

    [Theory]
    [InlineData("llama-random", 32)]
    [InlineData("llama-random", 8)]
    [InlineData("gpt2-random", 32)]
    [InlineData("gpt2-random", 4096)]
    public void Should_give_the_bits_of_the_folder_that_a_file_was_made_of(string name, int alignment)
    {
        using var folder = new TestFolder();
        string path = folder.File("model.gguf");
        GgufModels.Of(Repository.Fixture(name, "model"), alignment).Write(path);
        var expected = HuggingFaceModel.Open(Repository.Fixture(name, "model"));
        var found = HuggingFaceModel.Open(path);
        Assert.Equal(expected.Shape with { TiedHead = found.Shape.TiedHead }, found.Shape);
        Assert.Equal(Logits(expected), Logits(found));
    }

    [Fact]
    public void Should_divide_rotary_angles_by_the_listed_numbers()
    {
        using var folder = new TestFolder();
        string path = folder.File("model.gguf");
        var expected = HuggingFaceModel.Open(Repository.Fixture("llama3-rope-random", "model"));
        float[] divisors = Divisors();
        GgufModels.Of(expected.Name).Tensor("rope_freqs.weight", divisors, divisors.Length).Write(path);
        Near.Equal([.. Logits(expected).Select(value => (double)value)], Logits(HuggingFaceModel.Open(path)), 2e-5, "logits");
        Assert.Contains(divisors, divisor => divisor > 1);

        // Llama 3.1's scaling, as llama.cpp's converter computes it for the fixture's configuration.
        static float[] Divisors()
        {
            const double factor = 32;
            float[] divisors = new float[4];
            for (int i = 0; i < divisors.Length; i++)
            {
                double turns = 32 * Math.Pow(500_000, -2.0 * i / 8) / (2 * Math.PI);
                double kept = Math.Clamp((turns - 1) / 3, 0, 1);
                divisors[i] = (float)(1 / (((1 - kept) / factor) + kept));
            }

            return divisors;
        }
    }

    [Fact]
    public void Should_let_a_configuration_beside_the_file_win()
    {
        using var folder = new TestFolder();
        GgufModels.Of(Repository.Fixture("llama-random", "model")).Add("llama.expert_count", 8u).Write(folder.File("a.gguf"));
        Assert.Contains("llama.expert_count", Refusal(folder.Path), StringComparison.Ordinal);
        File.Copy(Repository.Fixture("llama-random", "model", "config.json"), folder.File("config.json"));
        Assert.Equal(4, HuggingFaceModel.Open(folder.Path).Shape.Layers);
        Assert.Equal(4, HuggingFaceModel.Open(folder.File("a.gguf")).Shape.Layers);
    }

    [Fact]
    public void Should_ask_which_of_several_files_is_meant()
    {
        using var folder = new TestFolder();
        var writer = GgufModels.Of(Repository.Fixture("gpt2-random", "model"));
        writer.Write(folder.File("a.gguf"));
        writer.Write(folder.File("b.GGUF"));
        string message = Refusal(folder.Path);
        Assert.Contains("a.gguf, b.GGUF", message, StringComparison.Ordinal);
        Assert.Contains("--model", message, StringComparison.Ordinal);
        Assert.Equal(4, HuggingFaceModel.Open(folder.File("b.GGUF")).Shape.Layers);
    }

    [Fact]
    public void Should_cover_the_file_and_its_metadata_by_the_fingerprint()
    {
        using var folder = new TestFolder();
        string path = folder.File("model.gguf");
        var writer = GgufModels.Of(Repository.Fixture("llama-random", "model"));
        writer.Write(path);
        string first = HuggingFaceModel.Open(path).Fingerprint;
        Assert.Equal(first, HuggingFaceModel.Open(folder.Path).Fingerprint);
        writer.Add("tokenizer.ggml.pre", "smollm").Write(path);
        Assert.NotEqual(first, HuggingFaceModel.Open(path).Fingerprint);
    }

    [Fact]
    public void Should_refuse_a_family_it_does_not_know()
    {
        using var folder = new TestFolder();
        new GgufWriter("qwen2").Tensor("token_embd.weight", new float[32], 1, 32).Write(folder.File("a.gguf"));
        Assert.Contains("general.architecture is qwen2", Refusal(folder.Path), StringComparison.Ordinal);
    }

    [Fact]
    public void Should_refuse_weights_that_do_not_fit_the_configuration()
    {
        using var folder = new TestFolder();
        GgufModels.Of(Repository.Fixture("llama-random", "model")).Write(folder.File("a.gguf"));
        string config = File.ReadAllText(Repository.Fixture("llama-random", "model", "config.json"));
        File.WriteAllText(folder.File("config.json"), config.Replace("\"num_attention_heads\": 8", "\"num_attention_heads\": 16", StringComparison.Ordinal));
        Assert.Contains("blk.0.attn_q.weight", Refusal(folder.Path), StringComparison.Ordinal);
        File.Copy(Repository.Fixture("gpt2-random", "model", "config.json"), folder.File("config.json"), overwrite: true);
        Assert.Contains("family llama", Refusal(folder.Path), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gpt2-random", "n_layer", "h.3.")]
    [InlineData("llama-random", "num_hidden_layers", "layers.3.")]
    public void Should_refuse_weights_of_more_blocks_than_the_configuration_has(string name, string key, string tensor)
    {
        using var folder = new TestFolder();
        GgufModels.Of(Repository.Fixture(name, "model")).Write(folder.File("a.gguf"));
        string config = File.ReadAllText(Repository.Fixture(name, "model", "config.json"));
        Assert.Contains($"\"{key}\": 4", config, StringComparison.Ordinal);
        File.WriteAllText(folder.File("config.json"), config.Replace($"\"{key}\": 4", $"\"{key}\": 3", StringComparison.Ordinal));
        Assert.Contains(tensor, Refusal(folder.Path), StringComparison.Ordinal);
        File.Delete(folder.File("a.gguf"));
        File.Copy(Repository.Fixture(name, "model", "model.safetensors"), folder.File("model.safetensors"));
        Assert.Contains("there are 3 blocks", Refusal(folder.Path), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"rms_norm_eps\": 1e-05", "\"rms_norm_eps\": 5.0", "llama.attention.layer_norm_rms_epsilon")]
    [InlineData("\"intermediate_size\": 176", "\"intermediate_size\": 0", "llama.feed_forward_length")]
    [InlineData("\"hidden_size\": 64", "\"hidden_size\": 0", "llama.embedding_length")]
    public void Should_call_a_key_as_the_file_does(string found, string put, string key)
    {
        using var from = TestFolder.CopyOf(Repository.Fixture("llama-random", "model"));
        string config = File.ReadAllText(from.File("config.json"));
        Assert.Contains(found, config, StringComparison.Ordinal);
        File.WriteAllText(from.File("config.json"), config.Replace(found, put, StringComparison.Ordinal));
        using var folder = new TestFolder();
        GgufModels.Of(from.Path).Write(folder.File("a.gguf"));
        Assert.Contains(key, Refusal(folder.Path), StringComparison.Ordinal);
    }

    [Fact]
    public void Should_name_a_part_of_a_model_in_several_files()
    {
        using var folder = new TestFolder();
        GgufModels.Of(Repository.Fixture("llama-random", "model")).Add("split.count", 2u).Write(folder.File("a.gguf"));
        Assert.Contains("llama-gguf-split --merge", Refusal(folder.Path), StringComparison.Ordinal);
    }

    [Fact]
    public void Should_say_that_the_file_was_cut_off_after_it_was_opened()
    {
        using var folder = new TestFolder();
        string path = folder.File("a.gguf");
        GgufModels.Of(Repository.Fixture("llama-random", "model")).Write(path);
        var model = HuggingFaceModel.Open(path);
        using (var file = File.OpenWrite(path))
        {
            file.SetLength(file.Length / 2);
        }

        Assert.Contains("ends inside tensor", Assert.Throws<UserErrorException>(() => model.LoadFrozen(4)).Message, StringComparison.Ordinal);
    }

    private static string Refusal(string path) => Assert.Throws<UserErrorException>(() => HuggingFaceModel.Open(path)).Message;

    private static float[] Logits(HuggingFaceModel model)
    {
        using var blocks = model.LoadFrozen(2);
        using var stage = (TrainerStage)model.LoadTrainer(Specs.Language(cut: 2));
        var (rows, logits) = stage.Inspect(Samples.EveryRow(blocks, _samples, 2));
        using (rows)
        using (logits)
        {
            return logits.Numbers();
        }
    }
}
