using System.Security.Cryptography;

namespace SplitFrozen.Domain.Runs;

/// <summary>The weights of a run's adapter, as the summary tells of them.</summary>
/// <param name="Sha256">SHA-256 (hexadecimal) of adapter_model.safetensors, or null when there is none.</param>
/// <param name="Bytes">Its size in bytes.</param>
public sealed record AdapterFile(string? Sha256, long Bytes)
{
    /// <summary>Reads the adapter of a run.</summary>
    public static AdapterFile Of(RunPaths paths)
    {
        var file = new FileInfo(Path.Combine(paths.Adapter, "adapter_model.safetensors"));
        if (!file.Exists)
        {
            return new AdapterFile(null, 0);
        }

        using var stream = file.OpenRead();
        return new AdapterFile(Convert.ToHexStringLower(SHA256.HashData(stream)), file.Length);
    }
}
