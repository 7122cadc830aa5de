using System.Text;

namespace SplitFrozen.Model.Lora;

/// <summary>Hashes that are the same on every machine and in every process, for seeding.</summary>
internal static class StableHash
{
    private const ulong Golden = 0x9E3779B97F4A7C15;

    /// <summary>The finaliser of SplitMix64 (Steele et al. 2014): a bijection whose output bits look independent.</summary>
    public static ulong Mix(ulong value)
    {
        value += Golden;
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }

    /// <summary>Mixes a further number into a hash.</summary>
    public static ulong Combine(ulong hash, long value) => Mix(hash ^ Mix((ulong)value));

    /// <summary>Mixes a text into a hash.</summary>
    public static ulong Combine(ulong hash, string text)
    {
        foreach (byte unit in Encoding.UTF8.GetBytes(text))
        {
            hash = Mix(hash ^ unit);
        }

        return hash;
    }
}
