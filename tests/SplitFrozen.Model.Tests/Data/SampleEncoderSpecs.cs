using SplitFrozen.Domain;
using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Models;
using SplitFrozen.Model.Data;
using SplitFrozen.Model.Tests.Support;
using SplitFrozen.Model.Tests.Tokenizers;
using SplitFrozen.Model.Tokenizers;

namespace SplitFrozen.Model.Tests.Data;

/// <summary>Token ids and targets of single rows.</summary>
public sealed class SampleEncoderSpecs
{
    private static readonly ITextTokenizer Tiny = DataFolderFixture.Tokenizer;

    [Fact]
    public void Should_cut_classification_samples_at_the_maximum_length()
    {
        var row = new TextRow(2, "I am still waiting on my card?", "7");
        var whole = Tiny.Encode(row.Input, addSpecialTokens: true);
        var sample = new SampleEncoder(Tiny, 4).Classification("file", row, 7);
        Assert.Equal(whole[..4], sample.Tokens);
        Assert.Equal([7], sample.Targets);
        Assert.Equal(whole, new SampleEncoder(Tiny, 128).Classification("file", row, 7).Tokens);
    }

    [Fact]
    public void Should_begin_a_classification_sample_with_the_post_processors_tokens() =>
        Assert.Equal([1, 403], new SampleEncoder(TokenizerFolder.Open(Repository.Fixture("stories260k")), 8).Classification("file", new TextRow(1, "Once", "0"), 0).Tokens);

    [Fact]
    public void Should_give_an_empty_text_one_token_or_name_its_row()
    {
        Assert.Equal([Tiny.EndOfText!.Value], new SampleEncoder(Tiny, 8).Classification("file", new TextRow(3, "", "0"), 0).Tokens);
        var bare = new TokenizerJsonText(["a"]).Open();
        var error = Assert.Throws<UserErrorException>(() => new SampleEncoder(bare, 8).Classification("file.csv", new TextRow(3, "", "0"), 0));
        Assert.Contains("file.csv, line 3: the text is empty", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Should_train_on_the_answer_and_the_end_of_text_only()
    {
        var sample = new SampleEncoder(Tiny, 128).LanguageModel(new TextRow(1, "What is 2 + 2?", "It is 4."));
        var prompt = Tiny.Encode("What is 2 + 2?\n", addSpecialTokens: true).Length;
        int[] followers = [.. sample.Tokens[1..], Tiny.EndOfText!.Value];
        Assert.Equal("What is 2 + 2?\nIt is 4.", Tiny.Decode(sample.Tokens));
        Assert.Equal([.. Enumerable.Repeat(Target.Ignored, prompt - 1), .. followers[(prompt - 1)..]], sample.Targets);
    }

    [Fact]
    public void Should_keep_the_next_token_as_target_where_a_sample_is_cut()
    {
        var row = new TextRow(1, "What is 2 + 2?", "It is 4.");
        var whole = new SampleEncoder(Tiny, 128).LanguageModel(row);
        for (var length = 1; length <= whole.Tokens.Length; length++)
        {
            var sample = new SampleEncoder(Tiny, length).LanguageModel(row);
            Assert.Equal(whole.Tokens[..length], sample.Tokens);
            Assert.Equal(whole.Targets[..length], sample.Targets);
        }
    }

    [Fact]
    public void Should_have_no_last_target_where_nothing_ends_a_text()
    {
        var bare = new TokenizerJsonText(["a", "b", "\n"]).Open();
        Assert.Equal([Target.Ignored, 1, Target.Ignored], new SampleEncoder(bare, 8).LanguageModel(new TextRow(1, "a", "b")).Targets);
    }

    [Fact]
    public void Should_count_a_token_that_spans_the_newline_and_the_answer_as_the_answers()
    {
        var merging = new TokenizerJsonText(["a", "b", "\n", "\nb", "<e>"], "\n b") { AddedTokens = """[{"id":4,"content":"<e>","special":true}]""" }.Open();
        var sample = new SampleEncoder(merging, 8).LanguageModel(new TextRow(1, "a", "bb"));
        Assert.Equal([0, 3, 1], sample.Tokens);
        Assert.Equal([3, 1, Target.Ignored], sample.Targets);
    }

    [Fact]
    public void Should_leave_the_prompts_tokens_out_where_the_answer_changes_how_they_are_cut()
    {
        // At the end of a text the space and the newline are one word; before an answer the newline stands apart.
        var tokenizer = new TokenizerJsonText(["a", "b", " ", "\n", " \n"])
        {
            Model = """{"ignore_merges":true}""",
            PreTokenizer = """{"type":"Split","pattern":{"Regex":"\\s+(?!\\S)|\\s+|\\S+"},"behavior":"Isolated"}""",
        }.Open();
        Assert.Equal([0, 4], tokenizer.Encode("a \n", addSpecialTokens: true));
        var sample = new SampleEncoder(tokenizer, 8).LanguageModel(new TextRow(1, "a ", "b"));
        Assert.Equal([0, 2, 3, 1], sample.Tokens);
        Assert.Equal([Target.Ignored, Target.Ignored, 1, Target.Ignored], sample.Targets);
    }

    [Fact]
    public void Should_find_the_answer_among_marked_spaces_and_byte_tokens()
    {
        var stories = TokenizerFolder.Open(Repository.Fixture("stories260k"));
        var sample = new SampleEncoder(stories, 128).LanguageModel(new TextRow(1, "Wie heißt du?", "Ärmel"));
        Assert.Equal("Ärmel", stories.Decode([.. sample.Targets.Where(target => target != Target.Ignored)]));
        Assert.Equal(stories.EndOfText, sample.Targets[^1]);
    }
}
