using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace SplitFrozen.Domain.Data;

/// <summary>Tells whether a device's samples are the same as at another time.</summary>
public static class DataFingerprint
{
    /// <summary>SHA-256 (hexadecimal) over tokens and targets of all samples, in order.</summary>
    public static string Of(IReadOnlyList<EncodedSample> samples)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var sample in samples)
        {
            hash.AppendData(MemoryMarshal.AsBytes((ReadOnlySpan<int>)[sample.Tokens.Length, sample.Targets.Length]));
            hash.AppendData(MemoryMarshal.AsBytes<int>(sample.Tokens));
            hash.AppendData(MemoryMarshal.AsBytes<int>(sample.Targets));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
