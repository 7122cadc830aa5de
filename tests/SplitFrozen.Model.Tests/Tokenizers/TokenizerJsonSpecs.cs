namespace SplitFrozen.Model.Tests.Tokenizers;

/// <summary>The parts of tokenizer.json that the reference strings do not reach.</summary>
public sealed class TokenizerJsonSpecs
{
    private static readonly string[] Letters = ["<unk>", "a", "b", "c", "1", "2", " ", "ab", "abc", "aa"];

    [Fact]
    public void Should_merge_the_best_pair_first_and_from_the_left()
    {
        var json = new TokenizerJsonText(Letters, "a b", "ab c", "a a");
        Assert.Equal(["abc", "ab", "aa", "ab"], json.Cut("abcabaaab"));
    }

    [Fact]
    public void Should_read_merges_as_pairs_too()
    {
        var json = new TokenizerJsonText(Letters) { Model = """{"merges":[["a","b"]]}""" };
        Assert.Equal(["ab", "c"], json.Cut("abc"));
    }

    [Fact]
    public void Should_take_a_whole_word_where_merges_are_ignored()
    {
        var tokens = new TokenizerJsonText([.. Letters, "cab"], "a b");
        Assert.Equal(["c", "ab"], tokens.Cut("cab"));
        Assert.Equal(["cab"], (tokens with { Model = """{"ignore_merges":true}""" }).Cut("cab"));
    }

    [Theory]
    [InlineData(true, new[] { "a", "<unk>", "b", "<unk>" })]
    [InlineData(false, new[] { "a", "<unk>", "<unk>", "b", "<unk>" })]
    public void Should_fuse_unknown_characters_where_told(bool fuse, string[] expected)
    {
        var json = new TokenizerJsonText(Letters) { Model = $$"""{"unk_token":"<unk>","fuse_unk":{{(fuse ? "true" : "false")}}}""" };
        Assert.Equal(expected, json.Cut("axyb\U0001F917"));
    }

    [Fact]
    public void Should_keep_a_character_outside_the_basic_plane_that_has_a_token()
    {
        var bytes = Enumerable.Range(0, 256).Select(value => $"<0x{value:X2}>");
        var json = new TokenizerJsonText([.. bytes, "a", "\U0001F917", "\U0001F917a"], "\U0001F917 a") { Model = """{"byte_fallback":true}""" };
        Assert.Equal(["a", "\U0001F917a", "<0xF0>", "<0x9F>", "<0x9A>", "<0x80>", "\U0001F917"], json.Cut("a\U0001F917a\U0001F680\U0001F917"));
    }

    [Fact]
    public void Should_split_letters_outside_the_basic_plane_as_letters()
    {
        // Two old italic letters, a mathematical digit and an emoji.
        var json = new TokenizerJsonText(["\U00010300", "\U00010301", "\U00010300\U00010301", "\U0001D7D9", "\U0001F917", "a"], "\U00010300 \U00010301")
        {
            Model = """{"ignore_merges":true}""",
            PreTokenizer = """{"type":"Split","pattern":{"Regex":"\\p{L}+|\\p{N}"},"behavior":"Isolated"}""",
        };
        Assert.Equal(["\U00010300\U00010301", "\U0001D7D9", "\U0001F917", "a"], json.Cut("\U00010300\U00010301\U0001D7D9\U0001F917a"));
    }

    [Theory]
    [InlineData("Isolated", false, new[] { "a", "1", "1", "b" })]
    [InlineData("Contiguous", false, new[] { "a", "11", "b" })]
    [InlineData("Removed", false, new[] { "a", "b" })]
    [InlineData("Removed", true, new[] { "1", "1" })]
    [InlineData("MergedWithPrevious", false, new[] { "a1", "1", "b" })]
    [InlineData("MergedWithNext", false, new[] { "a", "1", "1b" })]
    public void Should_do_with_matches_what_the_behaviour_says(string behaviour, bool invert, string[] expected)
    {
        var json = new TokenizerJsonText(["a", "b", "1", "11", "a1", "1b"])
        {
            Model = """{"ignore_merges":true}""",
            PreTokenizer = $$"""{"type":"Split","pattern":{"String":"1"},"behavior":"{{behaviour}}","invert":{{(invert ? "true" : "false")}}}""",
        };
        Assert.Equal(expected, json.Cut("a11b"));
    }

    [Theory]
    [InlineData("true", new[] { "a", "1", "2", "b" })]
    [InlineData("false", new[] { "a", "12", "b" })]
    public void Should_split_digits(string individual, string[] expected)
    {
        var json = new TokenizerJsonText(["a", "b", "1", "2", "12"], "1 2") { PreTokenizer = $$"""{"type":"Digits","individual_digits":{{individual}}}""" };
        Assert.Equal(expected, json.Cut("a12b"));
    }

    [Theory]
    [InlineData("always", new[] { "▁a", "▁b", "<x>", "▁c" })]
    [InlineData("first", new[] { "▁a", "▁b", "<x>", "c" })]
    [InlineData("never", new[] { "a", "▁b", "<x>", "c" })]
    public void Should_mark_spaces_as_the_metaspace_scheme_says(string scheme, string[] expected)
    {
        var json = new TokenizerJsonText(["a", "b", "c", "▁", "▁a", "▁b", "▁c"], "▁ a", "▁ b", "▁ c")
        {
            PreTokenizer = $$"""{"type":"Metaspace","replacement":"▁","prepend_scheme":"{{scheme}}","split":true}""",
            AddedTokens = """[{"id":7,"content":"<x>","special":true}]""",
        };
        Assert.Equal(expected, json.Cut("a b<x>c"));
    }

    [Fact]
    public void Should_decode_marked_spaces()
    {
        var json = new TokenizerJsonText(["a", "▁", "▁a"], "▁ a")
        {
            PreTokenizer = """{"type":"Metaspace","replacement":"▁","prepend_scheme":"always"}""",
            Decoder = """{"type":"Metaspace","replacement":"▁","prepend_scheme":"always"}""",
        };
        var tokenizer = json.Open();
        Assert.Equal("a  a", tokenizer.Decode(tokenizer.Encode("a  a", addSpecialTokens: false)));
    }

    [Fact]
    public void Should_add_a_space_before_a_byte_level_text_where_told()
    {
        var json = new TokenizerJsonText(["a", "Ġ", "Ġa"], "Ġ a") { PreTokenizer = """{"type":"ByteLevel","add_prefix_space":true,"use_regex":true}""" };
        Assert.Equal(["Ġa", "Ġa"], json.Cut("a a"));
    }

    [Fact]
    public void Should_prefer_the_longest_added_token_and_mind_its_edges()
    {
        var json = new TokenizerJsonText([.. Letters, "x", "."])
        {
            AddedTokens = """
                [{"id":20,"content":"<x>"},{"id":21,"content":"<x>y"},{"id":22,"content":"<l>","lstrip":true},{"id":23,"content":"<r>","rstrip":true},
                 {"id":24,"content":"cab","single_word":true}]
                """,
        };
        Assert.Equal(["a", "<x>y", "<x>", "b"], json.Cut("a<x>y<x>b"));
        Assert.Equal(["a", "<l>", " ", "b"], json.Cut("a  <l> b"));
        Assert.Equal(["a", " ", "<r>", "b"], json.Cut("a <r>  b"));
        Assert.Equal(["cab", ".", "a", "c", "a", "b"], json.Cut("cab.acab"));
    }

    [Fact]
    public void Should_look_for_normalised_tokens_in_the_normalised_text()
    {
        var json = new TokenizerJsonText([.. Letters, "A"])
        {
            Normalizer = """{"type":"Lowercase"}""",
            AddedTokens = """[{"id":20,"content":"CaB","normalized":true},{"id":21,"content":"AA","normalized":false}]""",
        };
        Assert.Equal(["CaB", "a", "AA"], json.Cut("cABaAA"));
    }

    [Theory]
    [InlineData("""{"type":"Lowercase"}""", "É", "é")]
    [InlineData("""{"type":"Strip","strip_left":true,"strip_right":false}""", " f ", "f ")]
    [InlineData("""{"type":"Replace","pattern":{"Regex":" +"},"content":"_"}""", "f   i", "f_i")]
    [InlineData("""{"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"_"},{"type":"Replace","pattern":{"String":"f"},"content":"i"}]}""", "f", "_i")]
    public void Should_normalise_as_told(string normalizer, string text, string expected)
    {
        var json = new TokenizerJsonText(["é", "f", "i", " ", "_"]) { Normalizer = normalizer };
        Assert.Equal(expected, string.Concat(json.Cut(text)));
    }

    [Fact]
    public void Should_put_the_template_around_a_text_when_asked()
    {
        var json = new TokenizerJsonText(["a", "<s>", "</s>"])
        {
            PostProcessor = """
                {"type":"Sequence","processors":[{"type":"ByteLevel"},{"type":"TemplateProcessing",
                "single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}},{"SpecialToken":{"id":"</s>","type_id":0}}],
                "special_tokens":{"<s>":{"id":"<s>","ids":[1],"tokens":["<s>"]},"</s>":{"id":"</s>","ids":[2],"tokens":["</s>"]}}}]}
                """,
        };
        Assert.Equal(["<s>", "a", "</s>"], json.Cut("a", addSpecialTokens: true));
        Assert.Equal(["a"], json.Cut("a"));
    }

    [Fact]
    public void Should_write_bytes_that_are_no_text_as_replacement_characters()
    {
        var bytes = Enumerable.Range(0, 256).Select(value => $"<0x{value:X2}>");
        var json = new TokenizerJsonText([.. bytes]) { Model = """{"byte_fallback":true}""", Decoder = """{"type":"Sequence","decoders":[{"type":"ByteFallback"},{"type":"Fuse"}]}""" };
        Assert.Equal("\uFFFD\uFFFD", json.Open().Decode([0xE2, 0x82]));
        Assert.Equal("€", json.Open().Decode([0xE2, 0x82, 0xAC]));
    }
}
