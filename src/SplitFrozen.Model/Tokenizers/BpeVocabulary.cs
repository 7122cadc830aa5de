using SplitFrozen.Domain;

namespace SplitFrozen.Model.Tokenizers;

/// <summary>A byte-pair encoding as files give it: tokens with their ids, merges in order of rank.</summary>
/// <param name="Tokens">Ids by token.</param>
/// <param name="Merges">Pairs of tokens that join, best first.</param>
/// <param name="UnknownToken">What stands for a character that has no token; null: such characters are dropped.</param>
/// <param name="ByteFallback">Whether a character that has no token is spelled in byte tokens <c>&lt;0x00&gt;</c> to <c>&lt;0xFF&gt;</c>.</param>
/// <param name="FuseUnknown">Whether neighbouring unknown characters are one unknown token.</param>
/// <param name="IgnoreMerges">Whether a word that is a token as a whole is not put together by merges.</param>
internal sealed record BpeVocabulary(
    IReadOnlyDictionary<string, int> Tokens, IReadOnlyList<(string Left, string Right)> Merges,
    string? UnknownToken = null, bool ByteFallback = false, bool FuseUnknown = false, bool IgnoreMerges = false)
{
    /// <summary>Checks that no two tokens have one id and that merges speak of tokens that exist. A merge that is listed twice has the first one's rank.</summary>
    /// <param name="vocabularyFile">Where the tokens were read from.</param>
    /// <param name="mergesFile">Where the merges were read from.</param>
    /// <param name="firstMerge">Number of the first merge in messages: its line where merges stand one a line.</param>
    public BpeVocabulary Checked(string vocabularyFile, string mergesFile, int firstMerge)
    {
        var holders = new Dictionary<int, string>(Tokens.Count);
        foreach (var (token, id) in Tokens)
        {
            if (!holders.TryAdd(id, token))
            {
                throw new UserErrorException(
                    $"{vocabularyFile} gives the id {id} to \"{holders[id]}\" and \"{token}\". Use the file as it was published with the model.");
            }
        }

        for (var i = 0; i < Merges.Count; i++)
        {
            var (left, right) = Merges[i];
            if (new[] { left, right, left + right }.FirstOrDefault(token => !Tokens.ContainsKey(token)) is { } missing)
            {
                throw new UserErrorException(
                    $"{mergesFile}: merge {firstMerge + i} (\"{left} {right}\") needs the token \"{missing}\", which the vocabulary in {vocabularyFile} lacks. "
                    + "The two do not belong together: take both from the same model.");
            }
        }

        if (UnknownToken is not null && !Tokens.ContainsKey(UnknownToken))
        {
            throw new UserErrorException(
                $"{vocabularyFile}: the unknown token \"{UnknownToken}\" is not in the vocabulary. Use the file as it was published with the model.");
        }

        return this with { Merges = [.. Merges.Distinct()] };
    }
}
