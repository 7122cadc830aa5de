using System.Text;

namespace SplitFrozen.Model.Tokenizers;

/// <summary>
/// GPT-2's alphabet of byte-level BPE: each byte has one printable character. Bytes that are printable in Latin-1 stand for themselves, the
/// others take the characters from U+0100 on, in the order of their values.
/// </summary>
internal static class ByteAlphabet
{
    private static readonly char[] Characters = MakeCharacters();
    private static readonly Dictionary<char, byte> Bytes = Characters.Select((character, value) => (character, value)).ToDictionary(pair => pair.character, pair => (byte)pair.value);

    /// <summary>A text's UTF-8 bytes, one character each.</summary>
    public static string Write(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        return string.Create(bytes.Length, bytes, (span, source) =>
        {
            for (var i = 0; i < source.Length; i++)
            {
                span[i] = Characters[source[i]];
            }
        });
    }

    /// <summary>The bytes of tokens, joined. A token with characters of no byte (an added one) stands for its own UTF-8 bytes.</summary>
    public static byte[] Read(IEnumerable<string> tokens)
    {
        var bytes = new List<byte>();
        foreach (var token in tokens)
        {
            if (token.All(Bytes.ContainsKey))
            {
                bytes.AddRange(token.Select(character => Bytes[character]));
            }
            else
            {
                bytes.AddRange(Encoding.UTF8.GetBytes(token));
            }
        }

        return [.. bytes];
    }

    private static char[] MakeCharacters()
    {
        var next = 0x100;
        return [.. Enumerable.Range(0, 256).Select(value => value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or >= 0xAE ? (char)value : (char)next++)];
    }
}
