using System.Text.Json;
using SplitFrozen.Model.Files;
using SplitFrozen.Model.Tokenizers;

namespace SplitFrozen.Model.Generation;

/// <summary>
/// The tokens that end a text: all that generation_config.json, config.json (key <c>eos_token_id</c>, a number or a list) and the tokenizer's files name.
/// They differ where a model was tuned for conversations after its base: a turn's end ends a text as well as the document's.
/// </summary>
internal static class EndTokens
{
    private const string Key = "eos_token_id";
    private const string GgufTurnKey = "tokenizer.ggml.eot_token_id";

    /// <summary>Reads them; may be none.</summary>
    public static IReadOnlySet<int> Read(ModelFiles files, ITextTokenizer tokenizer)
    {
        var ends = new HashSet<int>();
        foreach (string name in new[] { "generation_config.json", "config.json" })
        {
            string path = files.In(name);
            if (File.Exists(path) && JsonView.Read(path).Optional(Key) is { } value)
            {
                ends.UnionWith(value.Element.ValueKind == JsonValueKind.Array ? value.Items().Select(item => item.Integer()) : [value.Integer()]);
            }
        }

        if (files.OpenGguf()?.Metadata.Integer(GgufTurnKey) is { } turn and < uint.MaxValue)
        {
            ends.Add((int)turn);
        }

        if (tokenizer.EndOfText is { } end)
        {
            ends.Add(end);
        }

        return ends;
    }
}
