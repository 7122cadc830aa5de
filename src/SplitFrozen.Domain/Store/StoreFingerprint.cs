using System.Security.Cryptography;
using System.Text;

namespace SplitFrozen.Domain.Store;

/// <summary>Everything besides a device's data that stored activations depend on. Stored ones are used only where all of it is the same.</summary>
/// <param name="Model">Hash over the model's configuration, tokenizer and weights.</param>
/// <param name="Cut">The frozen line C.</param>
/// <param name="MaxLength">Tokens at which samples are cut off.</param>
/// <param name="WireCodec">How devices write activations.</param>
/// <param name="StoreCodec">How the store writes them.</param>
/// <param name="Threads">Threads of a matrix product; the last bits depend on it.</param>
/// <param name="Compute">Kind of compute device.</param>
public sealed record StoreFingerprint(string Model, int Cut, int MaxLength, string WireCodec, string StoreCodec, int Threads, string Compute)
{
    /// <summary>SHA-256 over all parts [32].</summary>
    public byte[] Hash() => SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', Parts().Select(p => $"{p.Name}={p.Value}"))));

    /// <summary>What another fingerprint has otherwise, in words; empty where both are the same.</summary>
    public IReadOnlyList<string> Differences(StoreFingerprint other) =>
        [.. Parts().Zip(other.Parts()).Where(p => p.First != p.Second).Select(p => $"{p.First.Name} ({p.Second.Value}, now {p.First.Value})")];

    private IEnumerable<(string Name, string Value)> Parts() =>
    [
        ("model or tokenizer", Model), ("cut", $"{Cut}"), ("max-length", $"{MaxLength}"), ("codec of the channel", WireCodec),
        ("codec of the store", StoreCodec), ("threads", $"{Threads}"), ("compute", Compute),
    ];
}
