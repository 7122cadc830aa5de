using System.Text.Json;
using SplitFrozen.Domain.Models;
using SplitFrozen.Model;
using SplitFrozen.Model.Files;
using SplitFrozen.Model.Gguf;
using SplitFrozen.Model.Tests.Support;
using SplitFrozen.Model.Tests.Tokenizers;
using SplitFrozen.Model.Tokenizers;
using SplitFrozen.Model.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace SplitFrozen.Assets.Tests;

/// <summary>A published GGUF file, with configuration and tokenizer beside it and alone, against values made with Hugging Face transformers.</summary>
public sealed class SmolLm2Specs
{
    private const double Tolerance = 2e-4;
    private const string FileName = "SmolLM2-135M-Instruct.Q4_1.gguf";

    private static readonly Lazy<JsonElement> Golden = new(() => Json.Read(AssetsFolder.Find("golden", "smollm2-135m", "logits.json")));

    [Fact]
    public void Should_expand_tensors_to_the_reference_values()
    {
        var file = GgufFile.Open(AssetsFolder.Find("models", "smollm2-135m", FileName));
        var tensors = Json.Read(AssetsFolder.Find("golden", "smollm2-135m", "gguf_tensors.json")).GetProperty("tensors");
        foreach (var tensor in tensors.EnumerateObject())
        {
            using var scope = NewDisposeScope();
            var entry = file.Entries[tensor.Name];
            var expanded = TensorReader.Expanded(new StoredTensor(file.Path, entry));
            Assert.Equal(tensor.Value.GetProperty("type").GetString(), entry.TypeName);
            Assert.Equal(tensor.Value.GetProperty("shape").Ints().Select(size => (long)size), expanded.shape);
            Assert.Equal(tensor.Value.GetProperty("first8_as_stored").Doubles(), expanded.Numbers()[..8].Select(value => (double)value));
            var wide = expanded.to(ScalarType.Float64);
            Assert.Equal(tensor.Value.GetProperty("abs_sum_f64").GetDouble(), wide.abs().sum().item<double>(), 1e-5);
            Assert.Equal(tensor.Value.GetProperty("sum_f64").GetDouble(), wide.sum().item<double>(), 1e-5);
        }
    }

    [Fact]
    public void Should_give_the_reference_logits_and_hidden_values()
    {
        var model = HuggingFaceModel.Open(AssetsFolder.Find("models", "smollm2-135m"));
        using var blocks = model.LoadFrozen(model.Shape.Layers);
        using var stage = (TrainerStage)model.LoadTrainer(Specs.Language(cut: 15));
        foreach (var text in Golden.Value.GetProperty("texts").EnumerateArray())
        {
            int[][] sample = [text.GetProperty("ids").Ints()];
            using var scope = NewDisposeScope();
            var (rows, logits) = stage.Inspect(Samples.LastTokenOnly(blocks, sample, 15));
            float[] last = logits.Numbers();
            Near.Equal(text.GetProperty("last_logits_first16").Doubles(), last.AsSpan(0, 16), Tolerance, "logits");
            var top = text.GetProperty("last_logits_top20");
            Near.Equal(top.GetProperty("values").Doubles(), [.. top.GetProperty("ids").Ints().Select(id => last[id])], Tolerance, "top logits");
            CheckHidden(text, blocks, sample, rows.Numbers());
            Assert.Equal(text.GetProperty("loss").GetDouble(), stage.Evaluate(Samples.NextToken(blocks, sample, 15)).MeanLoss, 1e-4);
            rows.Dispose();
            logits.Dispose();
        }
    }

    [Fact(DisplayName = "Losses over 49,152 tokens are float64's to 1e-6, where torch's float32 log_softmax, of which the recorded ones are, errs several times as much")]
    public void Should_sum_a_large_vocabulary_exactly()
    {
        var model = HuggingFaceModel.Open(AssetsFolder.Find("models", "smollm2-135m"));
        using var blocks = model.LoadFrozen(29);
        using var stage = (TrainerStage)model.LoadTrainer(Specs.Language(cut: 29));
        foreach (var text in Golden.Value.GetProperty("texts").EnumerateArray())
        {
            int[] ids = text.GetProperty("ids").Ints();
            using var scope = NewDisposeScope();
            var (rows, logits) = stage.Inspect(Samples.EveryRow(blocks, [ids], 29));
            var targets = torch.tensor(ids[1..].Select(id => (long)id).ToArray());
            var scored = logits.narrow(0, 0, ids.Length - 1);
            double exact = nn.functional.cross_entropy(scored.to(ScalarType.Float64), targets).item<double>();
            double ours = stage.Evaluate(Samples.NextToken(blocks, [ids], 29)).MeanLoss;
            double torchs = nn.functional.cross_entropy(scored, targets).item<float>();

            Assert.Equal(exact, ours, 1e-6);
            Assert.True(Math.Abs(torchs - exact) > 3e-6, $"torch's error {torchs - exact:E1}");
            Assert.True(Math.Abs(text.GetProperty("loss").GetDouble() - exact) > 3e-6);
            rows.Dispose();
            logits.Dispose();
        }
    }

    [Fact]
    public void Should_decode_greedily_to_the_reference_tokens()
    {
        using var folder = Alone(out string path);
        var model = HuggingFaceModel.Open(path);
        var tokenizer = TokenizerFolder.Open(path);
        using var blocks = model.LoadFrozen(29);
        using var stage = (TrainerStage)model.LoadTrainer(Specs.Language(cut: 29));
        foreach (var text in Golden.Value.GetProperty("greedy").EnumerateArray())
        {
            int[] prompt = text.GetProperty("prompt_ids").Ints();
            Assert.Equal(prompt, tokenizer.Encode(text.GetProperty("prompt").GetString()!, addSpecialTokens: true));
            int[] expected = text.GetProperty("new_ids").Ints();

            // Where each token is the likeliest after those before it, greedy decoding gives them one by one.
            Assert.Equal(expected, Likeliest(blocks, stage, [.. prompt, .. expected])[(prompt.Length - 1)..^1]);
            Assert.Equal(text.GetProperty("text").GetString(), tokenizer.Decode(expected));
        }
    }

    [Fact]
    public void Should_read_the_same_configuration_from_the_file_as_from_the_folder()
    {
        using var folder = Alone(out string path);
        var inFolder = HuggingFaceModel.Open(AssetsFolder.Find("models", "smollm2-135m"));
        var alone = HuggingFaceModel.Open(path);
        var inOtherFolder = HuggingFaceModel.Open(folder.Path);
        Assert.Equal(inFolder.Shape, alone.Shape);
        Assert.Equal(alone.Fingerprint, inOtherFolder.Fingerprint);
        Assert.NotEqual(inFolder.Fingerprint, alone.Fingerprint);

        int[][] sample = [Golden.Value.GetProperty("texts")[0].GetProperty("ids").Ints()];
        using var first = inFolder.LoadFrozen(3);
        using var second = alone.LoadFrozen(3);
        Assert.Equal(Samples.Embed(first, sample, 3), Samples.Embed(second, sample, 3));
    }

    [Fact]
    public void Should_give_the_reference_ids_with_the_files_own_tokenizer()
    {
        using var folder = Alone(out string path);
        var tokenizer = TokenizerFolder.Open(path);
        var reference = TokenizerReference.Read(AssetsFolder.Find("golden", "tokenizers", "ids.json"), "smollm2-135m");
        reference.AssertIds(tokenizer);
        reference.AssertSpecialTokens(tokenizer);
        reference.AssertTexts(tokenizer);
        Assert.Equal((49_152, 1, 2), (tokenizer.VocabularySize, tokenizer.BeginOfText, tokenizer.EndOfText));
    }

    private static void CheckHidden(JsonElement text, IFrozenBlocks blocks, int[][] sample, float[] finalRows)
    {
        foreach (var hidden in text.GetProperty("hidden_last_token_first16").EnumerateObject())
        {
            int depth = int.Parse(hidden.Name, System.Globalization.CultureInfo.InvariantCulture);
            float[] row = depth == 30 ? finalRows : TensorRows.LastRows(Samples.Embed(blocks, sample, depth), sample, blocks.Width)[0];
            Near.Equal(hidden.Value.Doubles(), row.AsSpan(0, 16), Tolerance, $"hidden {depth}");
        }
    }

    /// <summary>The likeliest token after each of these.</summary>
    private static int[] Likeliest(IFrozenBlocks blocks, TrainerStage stage, int[] ids)
    {
        using var scope = NewDisposeScope();
        var (rows, logits) = stage.Inspect(Samples.EveryRow(blocks, [ids], 29));
        using (rows)
        using (logits)
        {
            return [.. logits.argmax(1).data<long>().Select(id => (int)id)];
        }
    }

    /// <summary>A folder that holds a link to the file and nothing else.</summary>
    private static TestFolder Alone(out string path)
    {
        var folder = new TestFolder();
        path = folder.File(FileName);
        File.CreateSymbolicLink(path, AssetsFolder.Find("models", "smollm2-135m", FileName));
        return folder;
    }
}
