using FsCheck;
using FsCheck.Xunit;
using SplitFrozen.Model.Blocks;
using SplitFrozen.Model.Files;
using SplitFrozen.Model.Generation;
using SplitFrozen.Model.Peft;
using SplitFrozen.Model.Tests.Support;
using SplitFrozen.Model.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Tests.Generation;

/// <summary>Logits through the cache are those of a forward pass over the whole text, however the text is cut into passes.</summary>
public sealed class CachedLogitsSpecs
{
    private const double Tolerance = 2e-5;

    public static TheoryData<string> Models => ["gpt2-random", "llama-random", "llama3-rope-random"];

    [Theory]
    [MemberData(nameof(Models))]
    public void Should_give_the_logits_of_a_whole_pass_token_by_token(string name)
    {
        int[] tokens = Tokens(name);
        using var model = Load(name, null);
        using var cache = model.NewCache();
        var expected = WholePass(name, tokens, null);
        float[] logits = new float[model.Shape.Vocabulary];
        for (int i = 0; i < tokens.Length; i++)
        {
            model.Forward([tokens[i]], cache, logits);
            Near.Equal(expected[i], logits, Tolerance, $"logits of token {i}");
        }

        Assert.Equal(tokens.Length, cache.Rows);
    }

    [Property(MaxTest = 15)]
    public void Should_not_depend_on_how_a_text_is_cut_into_passes(PositiveInt[] cuts, bool isLlama)
    {
        string name = isLlama ? "llama3-rope-random" : "gpt2-random";
        int[] tokens = Tokens(name);
        using var model = Load(name, null);
        float[] whole = new float[model.Shape.Vocabulary];
        float[] last = new float[model.Shape.Vocabulary];
        using (var cache = model.NewCache())
        {
            model.Forward(tokens, cache, whole);
        }

        using var pieces = model.NewCache();
        int[] ends = [.. cuts.Select(cut => cut.Get % tokens.Length).Append(tokens.Length).Where(end => end > 0).Distinct().Order()];
        int start = 0;
        foreach (int end in ends)
        {
            model.Forward(tokens.AsSpan(start, end - start), pieces, last);
            start = end;
        }

        Near.Equal([.. whole.Select(value => (double)value)], last, Tolerance, $"last logits of cuts {string.Join(", ", ends)}");
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Should_add_a_peft_adapter(string name)
    {
        string adapter = Repository.Fixture(name, "lm_adapter", "end");
        int[] tokens = Tokens(name);
        using var model = Load(name, adapter);
        using var cache = model.NewCache();
        float[] logits = new float[model.Shape.Vocabulary];
        model.Forward(tokens, cache, logits);
        double[] expected = WholePass(name, tokens, adapter)[^1];
        Near.Equal(expected, logits, Tolerance, "last logits");
        double change = WholePass(name, tokens, null)[^1].Zip(expected).Max(pair => Math.Abs(pair.First - pair.Second));
        Assert.True(change > 100 * Tolerance, $"the adapter changes the logits by {change} only, so that this test proves nothing");
    }

    [Property(MaxTest = 15)]
    public void Should_give_each_of_several_texts_its_logits_whatever_the_company(PositiveInt[] ends, bool isLlama)
    {
        string name = isLlama ? "llama3-rope-random" : "gpt2-random";
        int[] tokens = Tokens(name);
        using var model = Load(name, null);
        int vocabulary = model.Shape.Vocabulary;
        // Fewer and more than the rows that are computed at least.
        int[] lengths = [.. ends.Concat(ends).Concat(ends).Take(LanguageModel.TextsTogether - 1).Select((end, i) => (end.Get + i) % (tokens.Length - 1)).Append(tokens.Length - 2)];
        int[] last = [.. lengths.Select(length => tokens[length])];
        float[] together = Each(lengths, last);

        for (int i = 0; i < lengths.Length; i++)
        {
            float[] mine = together[(i * vocabulary)..((i + 1) * vocabulary)];
            Assert.Equal(Each([lengths[i]], [last[i]]), mine);
            float[] expected = new float[vocabulary];
            using var cache = model.NewCache();
            model.Forward(tokens.AsSpan(0, lengths[i] + 1), cache, expected);
            Near.Equal([.. expected.Select(value => (double)value)], mine, Tolerance, $"logits of text {i} of {lengths[i]} tokens");
        }

        float[] Each(int[] held, int[] next)
        {
            var caches = held.Select(length => Filled(model, tokens.AsSpan(0, length))).ToArray();
            float[] logits = new float[held.Length * vocabulary];
            model.ForwardEach(next, caches, logits);
            foreach (var (i, cache) in caches.Index())
            {
                Assert.Equal(held[i] + 1, cache.Rows);
                cache.Dispose();
            }

            return logits;
        }
    }

    [Fact]
    public void Should_grow_up_to_the_context_and_no_further()
    {
        using var model = Load("gpt2-random", null);
        using var cache = model.NewCache();
        float[] logits = new float[model.Shape.Vocabulary];
        model.Forward(new int[model.Shape.Context - 1], cache, logits);
        model.Forward([3], cache, logits);
        Assert.Equal(model.Shape.Context, cache.Rows);
        Assert.Throws<ArgumentException>(() => model.Forward([3], cache, logits));
    }

    [Fact]
    public void Should_keep_no_tensors_but_the_caches_from_token_to_token()
    {
        using var model = Load("llama-random", null);
        float[] logits = new float[model.Shape.Vocabulary];
        using var cache = model.NewCache();
        for (int i = 0; i < 10; i++)
        {
            model.Forward([i], cache, logits);
        }

        long after10 = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        for (int i = 10; i < 60; i++)
        {
            model.Forward([i], cache, logits);
        }

        Assert.Equal(after10, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    private static KeyValueCache Filled(LanguageModel model, ReadOnlySpan<int> tokens)
    {
        var cache = model.NewCache();
        if (tokens.Length > 0)
        {
            model.Forward(tokens, cache, new float[model.Shape.Vocabulary]);
        }

        return cache;
    }

    private static int[] Tokens(string name) =>
        Json.Read(Repository.Fixture(name, "logits.json")).GetProperty("cases").EnumerateArray()
            .Select(item => item.GetProperty("ids").Ints()).MaxBy(ids => ids.Length)!;

    private static LanguageModel Load(string name, string? adapter)
    {
        var files = ModelFiles.Find(Repository.Fixture(name, "model"));
        var architecture = Architecture.Read(files);
        return new LanguageModel(
            architecture, WeightStore.Open(files, architecture, CPU), adapter is null ? null : PeftAdapter.Open(adapter), CPU);
    }

    /// <summary>The logits of every row, from the modules that train.</summary>
    private static double[][] WholePass(string name, int[] tokens, string? adapter)
    {
        var model = HuggingFaceModel.Open(Repository.Fixture(name, "model"));
        int cut = 1;
        var spec = adapter is null ? Specs.Language(cut) : AdapterSpecs.Read(adapter, out cut);
        using var blocks = model.LoadFrozen(cut);
        using var stage = (TrainerStage)model.LoadTrainer(spec);
        if (adapter is not null)
        {
            stage.LoadAdapter(adapter);
        }

        var (rows, logits) = stage.Inspect(Samples.EveryRow(blocks, [tokens], cut));
        using (rows)
        using (logits)
        {
            float[] all = logits.Numbers();
            int vocabulary = model.Shape.Vocabulary;
            return [.. Enumerable.Range(0, tokens.Length).Select(row => all[(row * vocabulary)..((row + 1) * vocabulary)].Select(value => (double)value).ToArray())];
        }
    }
}
