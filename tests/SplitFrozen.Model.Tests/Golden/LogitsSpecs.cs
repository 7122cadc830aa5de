using SplitFrozen.Domain.Models;
using SplitFrozen.Model.Tests.Support;
using SplitFrozen.Model.Training;

namespace SplitFrozen.Model.Tests.Golden;

/// <summary>Logits and hidden values against the reference values made with Hugging Face transformers.</summary>
public sealed class LogitsSpecs
{
    private const double Tolerance = 2e-4;
    private const double RandomTolerance = 2e-5;

    [Theory]
    [InlineData("gpt2-random")]
    [InlineData("llama-random")]
    [InlineData("llama3-rope-random")]
    public void Should_give_the_reference_logits_and_hidden_values_of_random_models(string name)
    {
        var golden = Json.Read(Repository.Fixture(name, "logits.json"));
        var model = HuggingFaceModel.Open(Repository.Fixture(name, "model"));
        using var blocks = model.LoadFrozen(model.Shape.Layers);
        using var stage = (TrainerStage)model.LoadTrainer(Specs.Language(cut: 2));
        foreach (var item in golden.GetProperty("cases").EnumerateArray())
        {
            int[][] sample = [item.GetProperty("ids").Ints()];
            var (rows, logits) = stage.Inspect(Samples.EveryRow(blocks, sample, 2));
            using (rows)
            using (logits)
            {
                float[] all = logits.Numbers();
                int vocabulary = model.Shape.Vocabulary;
                Near.Equal(item.GetProperty("logits_last").Doubles(), all.AsSpan(^vocabulary..), RandomTolerance, "last logits");
                Near.Equal(item.GetProperty("logits_first").Doubles(), all.AsSpan(0, 64), RandomTolerance, "first logits");
                CheckHidden(item.GetProperty("hidden_last_token"), blocks, sample, rows.Numbers());
            }

            CheckLoss(item, stage, blocks, sample);
        }
    }

    [Theory]
    [InlineData("gpt2-random")]
    [InlineData("llama-random")]
    [InlineData("llama3-rope-random")]
    public void Should_give_the_reference_classifier_logits(string name)
    {
        var golden = Json.Read(Repository.Fixture(name, "classifier_logits.json"));
        var model = HuggingFaceModel.Open(Repository.Fixture(name, "classifier"));
        using var blocks = model.LoadFrozen(3);
        using var stage = (TrainerStage)model.LoadTrainer(Specs.Classify(labels: 5, cut: 1));
        int[][] samples = [.. golden.GetProperty("input_ids").EnumerateArray().Select(ids => ids.Ints())];
        var (rows, logits) = stage.Inspect(Samples.Labelled(blocks, samples, 1, new int[samples.Length]));
        using (rows)
        using (logits)
        {
            double[] expected = [.. golden.GetProperty("logits").EnumerateArray().SelectMany(row => row.Doubles())];
            Near.Equal(expected, logits.Numbers(), RandomTolerance, "classifier logits");
        }
    }

    [Fact]
    public void Should_give_the_reference_logits_and_hidden_values_of_the_bundled_model()
    {
        var golden = Json.Read(Repository.Fixture("tiny-gpt2", "logits.json"));
        var model = HuggingFaceModel.Open(Repository.TinyGpt2);
        using var blocks = model.LoadFrozen(model.Shape.Layers);
        using var stage = (TrainerStage)model.LoadTrainer(Specs.Language(cut: 4));
        foreach (var item in golden.GetProperty("texts").EnumerateArray())
        {
            int[][] sample = [item.GetProperty("ids").Ints()];
            var (rows, logits) = stage.Inspect(Samples.LastTokenOnly(blocks, sample, 4));
            using (rows)
            using (logits)
            {
                float[] last = logits.Numbers();
                Near.Equal(item.GetProperty("last_logits_first16").Doubles(), last.AsSpan(0, 16), Tolerance, "logits");
                var top = item.GetProperty("last_logits_top20");
                float[] found = [.. top.GetProperty("ids").Ints().Select(id => last[id])];
                Near.Equal(top.GetProperty("values").Doubles(), found, Tolerance, "top logits");
                var hidden = item.GetProperty("hidden_last_token_first16");
                for (int depth = 0; depth < model.Shape.Layers; depth++)
                {
                    float[] row = TensorRows.LastRows(Samples.Embed(blocks, sample, depth), sample, blocks.Width)[0];
                    Near.Equal(hidden.GetProperty($"{depth}").Doubles(), row.AsSpan(0, 16), Tolerance, $"hidden {depth}");
                }

                Near.Equal(hidden.GetProperty($"{model.Shape.Layers}").Doubles(), rows.Numbers().AsSpan(0, 16), Tolerance, "final norm");
            }

            CheckLoss(item, stage, blocks, sample, cut: 4);
        }
    }

    [Fact]
    public void Should_give_the_reference_values_of_stories260k()
    {
        var golden = Json.Read(Repository.Fixture("stories260k", "golden.json"));
        var model = HuggingFaceModel.Open(Repository.Fixture("stories260k"));
        using var blocks = model.LoadFrozen(model.Shape.Layers);
        using var stage = (TrainerStage)model.LoadTrainer(Specs.Language(cut: 2));
        foreach (var sentence in golden.GetProperty("sentences").EnumerateArray())
        {
            int[][] sample = [sentence.GetProperty("ids").Ints()];
            var (rows, logits) = stage.Inspect(Samples.EveryRow(blocks, sample, 2));
            using (rows)
            using (logits)
            {
                CheckTopLogits(sentence.GetProperty("top20_logits_first8"), logits.Numbers(), model.Shape.Vocabulary);
                var hidden = sentence.GetProperty("hidden_last_position_first8");
                var layers = hidden.GetProperty("after_embedding_and_each_layer");
                for (int depth = 0; depth <= model.Shape.Layers; depth++)
                {
                    float[] row = TensorRows.LastRows(Samples.Embed(blocks, sample, depth), sample, blocks.Width)[0];
                    Near.Equal(layers[depth].Doubles(), row.AsSpan(0, 8), Tolerance, $"hidden {depth}");
                }

                Near.Equal(
                    hidden.GetProperty("after_final_norm").Doubles(), rows.Numbers().AsSpan(^blocks.Width..)[..8], Tolerance, "final norm");
            }

            double mean = stage.Evaluate(Samples.NextToken(blocks, sample, 2)).MeanLoss;
            Assert.Equal(sentence.GetProperty("mean_loss").GetDouble(), mean, 1e-5);
        }
    }

    private static void CheckTopLogits(System.Text.Json.JsonElement positions, float[] logits, int vocabulary)
    {
        foreach (var position in positions.EnumerateArray())
        {
            int row = position.GetProperty("position").GetInt32();
            foreach (var pair in position.GetProperty("top20").EnumerateArray())
            {
                float found = logits[(row * vocabulary) + pair[0].GetInt32()];
                Near.Equal([pair[1].GetDouble()], [found], Tolerance, $"logit {pair[0]} of row {row}");
            }
        }
    }

    private static void CheckHidden(
        System.Text.Json.JsonElement hidden, Domain.Models.IFrozenBlocks blocks, int[][] sample, float[] finalRows)
    {
        int layers = hidden.GetArrayLength() - 1;
        for (int depth = 0; depth < layers; depth++)
        {
            float[] row = TensorRows.LastRows(Samples.Embed(blocks, sample, depth), sample, blocks.Width)[0];
            Near.Equal(hidden[depth].Doubles(), row, RandomTolerance, $"hidden {depth}");
        }

        Near.Equal(hidden[layers].Doubles(), finalRows.AsSpan(^blocks.Width..), RandomTolerance, "final norm");
    }

    private static void CheckLoss(
        System.Text.Json.JsonElement item, TrainerStage stage, Domain.Models.IFrozenBlocks blocks, int[][] sample, int cut = 2)
    {
        if (item.GetProperty("loss").ValueKind == System.Text.Json.JsonValueKind.Number)
        {
            var score = stage.Evaluate(Samples.NextToken(blocks, sample, cut));
            Assert.Equal(item.GetProperty("loss").GetDouble(), score.MeanLoss, 1e-5);
            Assert.Equal(sample[0].Length - 1, score.Targets);
        }
    }
}
