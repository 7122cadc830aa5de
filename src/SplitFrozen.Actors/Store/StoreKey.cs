using System.Security.Cryptography;

using SplitFrozen.Domain;

namespace SplitFrozen.Actors.Store;

/// <summary>Reads the key that stored activations are encrypted with.</summary>
internal static class StoreKey
{
    /// <summary>Bytes of a key.</summary>
    public const int Bytes = 32;

    /// <summary>Reads a key file: 32 bytes as they are, or 64 hexadecimal digits.</summary>
    /// <exception cref="UserErrorException">It cannot be read or holds no key.</exception>
    public static byte[] Load(string path)
    {
        try
        {
            var content = File.ReadAllBytes(path);
            if (content.Length == Bytes)
            {
                return content;
            }

            var text = File.ReadAllText(path).Trim();
            if (text.Length == 2 * Bytes)
            {
                return Convert.FromHexString(text);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"splitfrozen.store.key-file = {path} cannot be read: {e.Message}", e);
        }
        catch (FormatException e)
        {
            throw new UserErrorException(Wrong(path), e);
        }

        throw new UserErrorException(Wrong(path));
    }

    /// <summary>Tells keys apart without giving them away: 16 bytes that depend on the key and a salt.</summary>
    public static byte[] Mark(ReadOnlySpan<byte> key, ReadOnlySpan<byte> salt)
    {
        var mark = new byte[16];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, key, mark, salt, "splitfrozen store key mark"u8);
        return mark;
    }

    private static string Wrong(string path) =>
        $"splitfrozen.store.key-file = {path} holds no key: 32 bytes or 64 hexadecimal digits are wanted. Make one with `openssl rand -hex 32 > {path}`.";
}
