using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace SplitFrozen.Model.Files;

/// <summary>
/// SHA-256 over what decides a model's results: configuration, tokenizer files and weights, each with name, size and content. Of a weight
/// file above <see cref="WholeFileBytes"/> the header, the first page and <see cref="SampledPages"/> evenly spread pages stand for the content: two
/// different models differ in nearly every page, and nodes with slow disks greet without reading gigabytes.
/// </summary>
internal static class FolderFingerprint
{
    /// <summary>Files up to this size are hashed whole.</summary>
    public const long WholeFileBytes = 64L << 20;

    /// <summary>Pages read from a larger file.</summary>
    public const int SampledPages = 1024;

    private const int PageBytes = 4096;

    private static readonly string[] _smallFiles =
    [
        "added_tokens.json", "config.json", "merges.txt", "model.safetensors.index.json", "special_tokens_map.json",
        "tokenizer.json", "tokenizer.model", "tokenizer_config.json", "vocab.json",
    ];

    /// <summary>The hash in lower-case hexadecimal digits.</summary>
    /// <param name="folder">Where configuration and tokenizer files lie.</param>
    /// <param name="weightFiles">The weight files, each with the first byte of its data: what stands before is hashed whole.</param>
    public static string Of(string folder, IEnumerable<(string Path, long DataStart)> weightFiles)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var small = _smallFiles.Select(name => (Path: Path.Combine(folder, name), DataStart: 0L)).Where(file => File.Exists(file.Path));
        foreach (var (path, dataStart) in small.Concat(weightFiles))
        {
            Append(hash, path, dataStart);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void Append(IncrementalHash hash, string path, long dataStart)
    {
        using var stream = File.OpenRead(path);
        hash.AppendData(Encoding.UTF8.GetBytes(Path.GetFileName(path)));
        Span<byte> size = stackalloc byte[1 + sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(size[1..], stream.Length);
        hash.AppendData(size);
        if (stream.Length <= WholeFileBytes)
        {
            hash.AppendData(SHA256.HashData(stream));
            return;
        }

        byte[] page = new byte[PageBytes];
        for (long start = 0; start < dataStart; start += PageBytes)
        {
            var part = page.AsSpan(..(int)Math.Min(PageBytes, dataStart - start));
            stream.ReadExactly(part);
            hash.AppendData(part);
        }

        for (int i = 0; i <= SampledPages; i++)
        {
            stream.Position = (long)((Int128)(stream.Length - PageBytes) * i / SampledPages);
            stream.ReadExactly(page);
            hash.AppendData(page);
        }
    }
}
