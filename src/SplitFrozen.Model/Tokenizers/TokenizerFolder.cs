using SplitFrozen.Domain;
using SplitFrozen.Model.Files;
using SplitFrozen.Model.Gguf;

namespace SplitFrozen.Model.Tokenizers;

/// <summary>Opens the tokenizer of a model folder.</summary>
public static class TokenizerFolder
{
    /// <summary>Reads tokenizer.json where there is one, else vocab.json with merges.txt, else a GGUF file's metadata.</summary>
    /// <param name="modelFolder">A Hugging Face model folder, or a GGUF file.</param>
    /// <exception cref="UserErrorException">Files are missing, malformed, contradict each other or are of an unknown kind.</exception>
    public static ITextTokenizer Open(string modelFolder)
    {
        var files = ModelFiles.Find(modelFolder);
        var json = files.In("tokenizer.json");
        if (File.Exists(json))
        {
            return TokenizerJson.Open(files.Folder, json);
        }

        var vocabulary = files.In("vocab.json");
        var merges = files.In("merges.txt");
        var missing = new[] { vocabulary, merges }.Where(file => !File.Exists(file)).Select(file => Path.GetFileName(file)).ToList();
        if (missing.Count > 0 && files.OpenGguf() is { } gguf)
        {
            return GgufTokenizer.Open(gguf);
        }

        return missing.Count == 0
            ? OpenFiles(vocabulary, merges)
            : throw new UserErrorException(
                $"The model folder {modelFolder} has no tokenizer: there is no tokenizer.json, and {string.Join(" and ", missing)} "
                + $"{(missing.Count == 1 ? "is" : "are")} missing. Copy the tokenizer's files from where the model came from.");
    }

    /// <summary>Reads GPT-2's byte-level BPE from files of any names (OpenAI's are encoder.json and vocab.bpe).</summary>
    /// <param name="vocabularyFile">Ids by token, JSON; files beside it may name further special tokens.</param>
    /// <param name="mergesFile">One merge a line, best first.</param>
    /// <exception cref="UserErrorException">A file is missing or malformed, or they contradict each other.</exception>
    public static ITextTokenizer OpenFiles(string vocabularyFile, string mergesFile) =>
        VocabularyAndMerges.Open(Path.GetDirectoryName(Path.GetFullPath(vocabularyFile))!, vocabularyFile, mergesFile);

    /// <summary>Checks that every id of the tokenizer has a row in the model's embedding.</summary>
    /// <param name="tokenizer">The tokenizer of the model's folder.</param>
    /// <param name="modelVocabulary">Rows of the model's token embedding (<c>vocab_size</c>).</param>
    /// <param name="modelFolder">Where both were read from, for the message.</param>
    /// <exception cref="UserErrorException">The tokenizer has ids that the model does not know, or less than half of those it knows.</exception>
    public static void RequireFit(ITextTokenizer tokenizer, int modelVocabulary, string modelFolder)
    {
        if (tokenizer.VocabularySize > modelVocabulary)
        {
            throw new UserErrorException(
                $"The tokenizer in {modelFolder} has token ids up to {tokenizer.VocabularySize - 1}, but the model knows only {modelVocabulary} tokens. "
                + "They do not belong together: put the tokenizer files that were published with this model into the folder.");
        }

        // Vocabularies are padded by some rows, never by as many again.
        if (tokenizer.VocabularySize < modelVocabulary / 2)
        {
            throw new UserErrorException(
                $"The tokenizer in {modelFolder} has {tokenizer.VocabularySize} tokens, the model {modelVocabulary}. "
                + "They do not belong together: put the tokenizer files that were published with this model into the folder.");
        }
    }
}
