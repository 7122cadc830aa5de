using System.Text.Json;

using SplitFrozen.Domain.Files;

namespace SplitFrozen.Cli.Runs;

/// <summary>What a run folder holds from the first moment on.</summary>
/// <param name="Configuration">The resolved configuration, as HOCON.</param>
/// <param name="Versions">What the run was made with.</param>
/// <param name="Partition">How the data is spread.</param>
/// <param name="Identity">What the run is made from.</param>
internal sealed record RunStart(string Configuration, Versions Versions, PartitionRecord Partition, RunIdentity Identity)
{
    /// <summary>The file that <see cref="Versions"/> goes to.</summary>
    public const string VersionsFile = "versions.json";

    /// <summary>The file that <see cref="Identity"/> goes to.</summary>
    public const string IdentityFile = "identity.json";

    /// <summary>Writes config.conf, versions.json, partition.json, identity.json and the rows of the partition.</summary>
    public void Write(string folder)
    {
        AtomicFile.Write(Path.Combine(folder, RunFolder.ConfigurationFile), Configuration);
        WriteJson(Path.Combine(folder, VersionsFile), Versions);
        WriteJson(Path.Combine(folder, "partition.json"), Partition);
        WriteJson(Path.Combine(folder, IdentityFile), Identity);
        if (Partition.File is { } rows)
        {
            AtomicFile.Write(Path.Combine(folder, "partition-rows.json"), stream => stream.Write(rows.ToBytes()));
        }
    }

    private static void WriteJson<T>(string file, T value) =>
        AtomicFile.Write(file, JsonSerializer.Serialize(value, RunJson.Indented) + Environment.NewLine);
}
