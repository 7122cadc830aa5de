using SplitFrozen.Domain;
using SplitFrozen.Domain.Generation;
using SplitFrozen.Model.Files;
using SplitFrozen.Model.Generation;
using SplitFrozen.Model.Tests.Support;
using SplitFrozen.Model.Tests.Tokenizers;
using SplitFrozen.Model.Tokenizers;

namespace SplitFrozen.Model.Tests.Generation;

/// <summary>Texts of whole models, greedy against the reference.</summary>
public sealed class TextGeneratorSpecs
{
    [Fact]
    public void Should_give_the_reference_greedy_texts_of_tiny_gpt2()
    {
        using var generator = TextGenerator.Open(Repository.TinyGpt2, null, "cpu");
        foreach (var item in Json.Read(Repository.Fixture("tiny-gpt2", "logits.json")).GetProperty("greedy").EnumerateArray())
        {
            int[] prompt = generator.Tokenize(item.GetProperty("prompt").GetString()!);
            Assert.Equal(item.GetProperty("prompt_ids").Ints(), prompt);
            var pieces = new List<string>();
            var generated = generator.Generate(prompt, 30, SamplingSpec.Greedy, pieces.Add, default);
            Assert.Equal(item.GetProperty("new_ids").Ints(), generated.Ids);
            Assert.Equal(item.GetProperty("text").GetString()!.Replace("<|endoftext|>", "", StringComparison.Ordinal), generated.Text);
            Assert.Equal(generated.Text, string.Concat(pieces));
            Assert.Equal(generated.Ids.Count < 30 ? StopReason.EndOfText : StopReason.TokenLimit, generated.Stop);
        }
    }

    [Fact]
    public void Should_write_many_texts_together_as_each_alone()
    {
        using var generator = TextGenerator.Open(Repository.TinyGpt2, null, "cpu");
        int[][] references = [.. Json.Read(Repository.Fixture("tiny-gpt2", "logits.json")).GetProperty("greedy").EnumerateArray().Select(item => item.GetProperty("prompt_ids").Ints())];
        // More than are written together, and of unlike lengths, so that texts end at different times and others take their place.
        int[][] prompts = [.. Enumerable.Range(0, LanguageModel.TextsTogether + 9).Select(i => references[i % references.Length][..Math.Max(1, references[i % references.Length].Length - (i / references.Length))])];
        var together = new Dictionary<int, Generated>();

        generator.GenerateEach(prompts, 30, together.Add, default);

        Assert.Equal(prompts.Length, together.Count);
        Assert.Contains(together.Values, text => text.Stop == StopReason.TokenLimit);
        Assert.Contains(together.Values, text => text.Stop == StopReason.EndOfText);
        foreach (var (i, prompt) in prompts.Index())
        {
            var alone = generator.Generate(prompt, 30, SamplingSpec.Greedy, _ => { }, default);
            Assert.Equal((alone.Text, alone.Stop), (together[i].Text, together[i].Stop));
            Assert.Equal(alone.Ids, together[i].Ids);
        }
    }

    [Fact]
    public void Should_stop_and_refuse_texts_that_are_written_together_as_those_alone()
    {
        using var generator = TextGenerator.Open(Repository.TinyGpt2, null, "cpu");
        var reasons = new List<StopReason>();
        using var stop = new CancellationTokenSource();
        generator.GenerateEach([[.. Enumerable.Repeat(40, 127)], [40], [41]], 1000, (_, text) =>
        {
            reasons.Add(text.Stop);
            stop.Cancel();
        }, stop.Token);
        Assert.Equal([StopReason.ContextFull], reasons);
        var error = Assert.Throws<UserErrorException>(() => generator.GenerateEach([[40], new int[128]], 1, (_, _) => reasons.Clear(), default));
        Assert.Contains("the model's context is 128", error.Message, StringComparison.Ordinal);
        Assert.Single(reasons);
    }

    [Fact]
    public void Should_give_the_reference_greedy_text_of_stories260k()
    {
        var golden = Json.Read(Repository.Fixture("stories260k", "golden.json")).GetProperty("greedy");
        using var generator = TextGenerator.Open(Repository.Fixture("stories260k"), null, "cpu");
        int[] prompt = generator.Tokenize("");
        var generated = generator.Generate(prompt, golden.GetProperty("ids").GetArrayLength() - prompt.Length, SamplingSpec.Greedy, _ => { }, default);
        Assert.Equal(golden.GetProperty("ids").Ints(), (IEnumerable<int>)[.. prompt, .. generated.Ids]);
        Assert.Equal(golden.GetProperty("text").GetString(), generated.Text);
    }

    [Fact]
    public void Should_stop_where_the_context_is_full()
    {
        using var generator = TextGenerator.Open(Repository.TinyGpt2, null, "cpu");
        int[] prompt = [.. Enumerable.Repeat(40, 120)];
        var generated = generator.Generate(prompt, 100, new SamplingSpec(5, 0, 1, 4), _ => { }, default);
        Assert.Equal((StopReason.ContextFull, 8), (generated.Stop, generated.Ids.Count));
        var error = Assert.Throws<UserErrorException>(() => generator.Generate(new int[128], 1, SamplingSpec.Greedy, _ => { }, default));
        Assert.Contains("the model's context is 128", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Should_stop_when_told_to()
    {
        using var generator = TextGenerator.Open(Repository.TinyGpt2, null, "cpu");
        using var stop = new CancellationTokenSource();
        int pieces = 0;
        var generated = generator.Generate(generator.Tokenize("I want to book"), 30, SamplingSpec.Greedy, _ => CancelAtThird(), stop.Token);
        Assert.Equal((StopReason.Stopped, 3), (generated.Stop, generated.Ids.Count));

        void CancelAtThird()
        {
            if (++pieces == 3)
            {
                stop.Cancel();
            }
        }
    }

    [Fact]
    public void Should_draw_the_same_text_from_the_same_seed_and_another_from_another()
    {
        using var generator = TextGenerator.Open(Repository.TinyGpt2, null, "cpu");
        int[] prompt = generator.Tokenize("I want to book");
        string[] texts = [.. new[] { 1, 1, 2 }.Select(seed => generator.Generate(prompt, 30, new SamplingSpec(1, 0, 1, seed), _ => { }, default).Text)];
        Assert.Equal(texts[0], texts[1]);
        Assert.NotEqual(texts[0], texts[2]);
    }

    [Fact]
    public void Should_read_special_tokens_in_a_prompt_and_add_begin_of_text_once()
    {
        using var gpt2 = TextGenerator.Open(Repository.TinyGpt2, null, "cpu");
        Assert.Equal([8191], gpt2.Tokenize(""));
        Assert.Equal([40, 8191], gpt2.Tokenize("I<|endoftext|>"));
        using var stories = TextGenerator.Open(Repository.Fixture("stories260k"), null, "cpu");
        Assert.Equal([1, 403], stories.Tokenize("Once"));
        Assert.Equal(1, stories.Tokenize("<s>Once").Count(id => id == 1));
    }

    [Theory]
    [InlineData("gpt2-random")]
    [InlineData("llama-random")]
    public void Should_refuse_a_classifiers_adapter_and_a_classifier(string name)
    {
        using var folder = WithTokenizer(Repository.Fixture(name, "model"));
        var adapter = Assert.Throws<UserErrorException>(() => TextGenerator.Open(folder.Path, Repository.Fixture(name, "cls_adapter", "end"), "cpu"));
        Assert.Contains("was trained to classify", adapter.Message, StringComparison.Ordinal);
        var model = Assert.Throws<UserErrorException>(() => TextGenerator.Open(Repository.Fixture(name, "classifier"), null, "cpu"));
        Assert.Contains("ForSequenceClassification", model.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Should_refuse_an_adapter_of_another_model()
    {
        var error = Assert.Throws<UserErrorException>(() => TextGenerator.Open(Repository.TinyGpt2, Repository.Fixture("llama-random", "lm_adapter", "end"), "cpu"));
        Assert.Contains("which the model does not have", error.Message, StringComparison.Ordinal);
        error = Assert.Throws<UserErrorException>(() => TextGenerator.Open(Repository.TinyGpt2, Repository.Fixture("gpt2-random", "lm_adapter", "end"), "cpu"));
        Assert.Contains("but the model's module maps 192 to 576", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"eos_token_id": 5}""", """{"eos_token_id": 6}""", new[] { 5, 6 })]
    [InlineData("""{"eos_token_id": [5, 7]}""", """{"eos_token_id": null}""", new[] { 5, 7 })]
    [InlineData("{}", """{"eos_token_id": [6, 8]}""", new[] { 6, 8 })]
    public void Should_end_at_every_token_that_the_files_name(string generation, string config, int[] ends)
    {
        using var folder = new TestFolder();
        File.WriteAllText(folder.File("generation_config.json"), generation);
        File.WriteAllText(folder.File("config.json"), config);
        Assert.Equal(ends, EndTokens.Read(new ModelFiles(folder.Path, folder.Path, null), new TokenizerJsonText(["a"]).Open()).Order());
    }

    [Fact]
    public void Should_tell_characters_whole()
    {
        var tokenizer = TokenizerFolder.Open(Repository.Fixture("stories260k"));
        foreach (string text in new[] { "naïve Ärmel 🙂🙂 done", "  two", "ä", "\n\nx" })
        {
            int[] prompt = tokenizer.Encode("Ünd", addSpecialTokens: true);
            int[] whole = tokenizer.Encode("Ünd" + text, addSpecialTokens: true);
            Assert.Equal(prompt, whole[..prompt.Length]);
            var stream = new TextStream(tokenizer, prompt);
            string[] pieces = [.. whole[prompt.Length..].Select(stream.Add), stream.End()];
            Assert.Equal(text, string.Concat(pieces));
            Assert.DoesNotContain(pieces, piece => piece.Contains('\uFFFD', StringComparison.Ordinal) || (piece.Length > 0 && char.IsLowSurrogate(piece[0])));
        }
    }

    [Fact]
    public void Should_tell_an_unfinished_character_at_the_end_only()
    {
        var tokenizer = TokenizerFolder.Open(Repository.TinyGpt2);
        int[] ids = tokenizer.Encode("🙂", addSpecialTokens: false);
        Assert.True(ids.Length > 1);
        var stream = new TextStream(tokenizer, [40]);
        Assert.All(ids[..^1], id => Assert.Equal("", stream.Add(id)));
        Assert.Contains('\uFFFD', stream.End());
    }

    /// <summary>The random models have no tokenizer; one of their vocabulary's size goes with them.</summary>
    private static TestFolder WithTokenizer(string model)
    {
        var folder = TestFolder.CopyOf(model);
        File.Copy(Repository.Fixture("stories260k", "tokenizer.json"), folder.File("tokenizer.json"));
        return folder;
    }
}
