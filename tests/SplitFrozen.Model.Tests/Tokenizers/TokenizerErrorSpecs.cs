using SplitFrozen.Domain;
using SplitFrozen.Model.Tests.Support;
using SplitFrozen.Model.Tokenizers;

namespace SplitFrozen.Model.Tests.Tokenizers;

/// <summary>Tokenizer files that are missing, broken or do not fit, each with a message that names the file and the fault.</summary>
public sealed class TokenizerErrorSpecs
{
    private static readonly TokenizerJsonText Good = new(["a", "b", "ab"], "a b");

    [Fact]
    public void Should_name_a_folder_that_does_not_exist() => AssertError("/no/such/folder", "/no/such/folder does not exist", "splitfrozen.model.path");

    [Fact]
    public void Should_name_the_files_that_are_missing()
    {
        using var folder = new TestFolder();
        AssertError(folder.Path, "no tokenizer.json", "vocab.json and merges.txt are missing");
        File.WriteAllText(folder.File("vocab.json"), "{}");
        AssertError(folder.Path, "merges.txt is missing");
    }

    [Theory]
    [InlineData("{", "not valid JSON (line 1)")]
    [InlineData("[]", "should be an object")]
    [InlineData("{}", "has no \"model\"")]
    public void Should_refuse_a_malformed_document(string text, string fault) => AssertJsonError(text, "tokenizer.json", fault);

    [Theory]
    [InlineData("""{"type":"Unigram"}""", "model.type is \"Unigram\"; only BPE")]
    [InlineData("""{"merges":["a c"]}""", "merge 0 (\"a c\") needs the token \"c\"")]
    [InlineData("""{"merges":["a"]}""", "model.merges[0] should be two tokens")]
    [InlineData("""{"merges":["a b c"]}""", "model.merges[0] should be two tokens")]
    [InlineData("""{"vocab":{"a":-1}}""", "model.vocab.a should be an integer from 0")]
    [InlineData("""{"vocab":{"a":99999999}}""", "model.vocab.a should be an integer from 0")]
    [InlineData("""{"vocab":["a"]}""", "model.vocab should be an object")]
    [InlineData("""{"vocab":{"a":0,"b":1,"ab":1}}""", "gives the id 1 to \"b\" and \"ab\"")]
    [InlineData("""{"unk_token":"<unk>"}""", "unknown token \"<unk>\" is not in the vocabulary")]
    [InlineData("""{"end_of_word_suffix":"</w>"}""", "end_of_word_suffix")]
    [InlineData("""{"byte_fallback":1}""", "model.byte_fallback should be true or false")]
    public void Should_refuse_a_model_it_cannot_use(string model, string fault) => AssertJsonError((Good with { Model = model }).Write(), "tokenizer.json", fault);

    [Theory]
    [InlineData("""{"type":"Bert"}""", "pre_tokenizer.type is \"Bert\"; known are")]
    [InlineData("""{"type":"Split","pattern":{"Regex":"a++"},"behavior":"Isolated"}""", "pre_tokenizer.pattern.Regex uses syntax")]
    [InlineData("""{"type":"Split","pattern":{"Regex":"a"},"behavior":"Else"}""", "pre_tokenizer.behavior is \"Else\"")]
    [InlineData("""{"type":"Sequence","pretokenizers":[{"type":"ByteLevel"},{}]}""", "pre_tokenizer.pretokenizers[1] has no \"type\"")]
    [InlineData("""{"type":"Metaspace","prepend_scheme":"last"}""", "pre_tokenizer.prepend_scheme is \"last\"")]
    public void Should_refuse_a_pre_tokenizer_it_does_not_know(string part, string fault) => AssertJsonError((Good with { PreTokenizer = part }).Write(), fault);

    [Fact]
    public void Should_refuse_other_parts_it_does_not_know()
    {
        AssertJsonError((Good with { Normalizer = """{"type":"NFC"}""" }).Write(), "normalizer.type is \"NFC\"; known are");
        AssertJsonError((Good with { PostProcessor = """{"type":"BertProcessing"}""" }).Write(), "post_processor.type is \"BertProcessing\"; known are");
        AssertJsonError((Good with { Decoder = """{"type":"WordPiece"}""" }).Write(), "decoder.type is \"WordPiece\"; known are");
        AssertJsonError((Good with { AddedTokens = """[{"id":3,"content":""}]""" }).Write(), "added_tokens[0].content is empty");
    }

    [Theory]
    [InlineData("#version: 0.2\na b\na c\n", "merges.txt: merge 3 (\"a c\") needs the token \"c\"")]
    [InlineData("#version: 0.2\na b\na\n", "merges.txt, line 3: should be two tokens")]
    [InlineData("a b\n\na b\n", "merges.txt, line 2: should be two tokens")]
    public void Should_name_the_line_of_a_broken_merge(string merges, string fault)
    {
        using var folder = new TestFolder();
        File.WriteAllText(folder.File("vocab.json"), """{"a":0,"b":1,"ab":2}""");
        File.WriteAllText(folder.File("merges.txt"), merges);
        AssertError(folder.Path, fault);
    }

    [Fact]
    public void Should_pass_over_a_merge_that_is_listed_twice()
    {
        using var folder = new TestFolder();
        File.WriteAllText(folder.File("tokenizer.json"), (Good with { Model = """{"merges":["a b","a b"]}""" }).Write());
        Assert.Equal([2], TokenizerFolder.Open(folder.Path).Encode("ab", addSpecialTokens: false));
    }

    [Fact]
    public void Should_end_a_search_that_would_not()
    {
        using var folder = new TestFolder();
        File.WriteAllText(folder.File("tokenizer.json"), (Good with { PreTokenizer = """{"type":"Split","pattern":{"Regex":"(a+)+$"},"behavior":"Isolated"}""" }).Write());
        var tokenizer = TokenizerFolder.Open(folder.Path);
        var error = Assert.Throws<UserErrorException>(() => tokenizer.Encode(new string('a', 40) + "b", addSpecialTokens: false));
        Assert.Contains("pre_tokenizer.pattern.Regex searched for more than", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Should_refuse_a_tokenizer_with_more_ids_than_the_model()
    {
        var tokenizer = Good.Open();
        TokenizerFolder.RequireFit(tokenizer, 3, "folder");
        var error = Assert.Throws<UserErrorException>(() => TokenizerFolder.RequireFit(tokenizer, 2, "some/folder"));
        Assert.Contains("some/folder has token ids up to 2, but the model knows only 2 tokens", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tokenizer_config.json", """{"bos_token":{"content":"a"},"eos_token":"b"}""", 0, 1)]
    [InlineData("config.json", """{"bos_token_id":1,"eos_token_id":[2,0]}""", 1, 2)]
    [InlineData("config.json", """{"bos_token_id":77}""", null, null)]
    public void Should_take_the_tokens_that_begin_and_end_a_text_from_the_folder(string file, string text, int? begin, int? end)
    {
        using var folder = new TestFolder();
        File.WriteAllText(folder.File("tokenizer.json"), Good.Write());
        File.WriteAllText(folder.File(file), text);
        var tokenizer = TokenizerFolder.Open(folder.Path);
        Assert.Equal((begin, end), (tokenizer.BeginOfText, tokenizer.EndOfText));
    }

    [Fact]
    public void Should_find_the_tokens_of_added_tokens_json()
    {
        using var folder = new TestFolder();
        File.WriteAllText(folder.File("vocab.json"), """{"a":0,"b":1,"ab":2}""");
        File.WriteAllText(folder.File("merges.txt"), "#version: 0.2\r\na b\r\n");
        File.WriteAllText(folder.File("added_tokens.json"), """{"<pad>":3}""");
        Assert.Equal([2, 3, 0], TokenizerFolder.Open(folder.Path).Encode("ab<pad>a", addSpecialTokens: true));
    }

    private static void AssertJsonError(string text, params string[] faults)
    {
        using var folder = new TestFolder();
        File.WriteAllText(folder.File("tokenizer.json"), text);
        AssertError(folder.Path, faults);
    }

    private static void AssertError(string folder, params string[] faults)
    {
        var error = Assert.Throws<UserErrorException>(() => TokenizerFolder.Open(folder));
        Assert.All(faults, fault => Assert.Contains(fault, error.Message, StringComparison.Ordinal));
    }
}
