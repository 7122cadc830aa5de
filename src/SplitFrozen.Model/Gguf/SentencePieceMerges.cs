using SplitFrozen.Domain;

namespace SplitFrozen.Model.Gguf;

/// <summary>
/// The merges of a SentencePiece BPE vocabulary. Such a vocabulary has scores and no merges: of all neighbouring pairs that form a token, the one
/// with the best score joins. Each way to cut a token into two is therefore a merge with the token's rank (as in Hugging Face's conversion).
/// </summary>
internal static class SentencePieceMerges
{
    /// <summary>Far more than SentencePiece allows a piece to have; bounds the work that a lying file asks for.</summary>
    private const int MaximumLength = 512;

    /// <summary>All merges, best first.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="tokens">Tokens by id.</param>
    /// <param name="scores">Score of each.</param>
    /// <param name="isPiece">Whether a token takes part: control and byte tokens do not.</param>
    public static List<(string Left, string Right)> Of(string path, string[] tokens, float[] scores, bool[] isPiece)
    {
        var pieces = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int id = 0; id < tokens.Length; id++)
        {
            if (isPiece[id] && tokens[id].Length > MaximumLength)
            {
                throw new UserErrorException($"'{path}': token {id} has {tokens[id].Length} characters; pieces of up to {MaximumLength} can be read. Fetch the file again.");
            }

            if (isPiece[id])
            {
                pieces.TryAdd(tokens[id], id);
            }
        }

        var lookup = pieces.GetAlternateLookup<ReadOnlySpan<char>>();
        var merges = new List<(string Left, string Right)>();
        foreach (string token in pieces.OrderByDescending(piece => scores[piece.Value]).ThenBy(piece => piece.Value).Select(piece => piece.Key))
        {
            var cuts = from cut in Enumerable.Range(1, Math.Max(0, token.Length - 1))
                       where lookup.TryGetValue(token.AsSpan(0, cut), out _) && lookup.TryGetValue(token.AsSpan(cut), out _)
                       orderby pieces[token[..cut]], pieces[token[cut..]]
                       select (token[..cut], token[cut..]);
            merges.AddRange(cuts);
        }

        return merges;
    }
}
