using System.Text.Json;

namespace SplitFrozen.Cli.Runs;

/// <summary>What a run folder holds from the first moment on.</summary>
/// <param name="Configuration">The resolved configuration, as HOCON.</param>
/// <param name="Versions">What the run was made with.</param>
/// <param name="Partition">How the data is spread.</param>
internal sealed record RunStart(string Configuration, Versions Versions, PartitionRecord Partition)
{
    /// <summary>Writes config.conf, versions.json, partition.json and the rows of the partition.</summary>
    public void Write(string folder)
    {
        File.WriteAllText(Path.Combine(folder, RunFolder.ConfigurationFile), Configuration);
        WriteJson(Path.Combine(folder, "versions.json"), Versions);
        WriteJson(Path.Combine(folder, "partition.json"), Partition);
        if (Partition.File is { } rows)
        {
            File.WriteAllBytes(Path.Combine(folder, "partition-rows.json"), rows.ToBytes());
        }
    }

    private static void WriteJson<T>(string file, T value) =>
        File.WriteAllText(file, JsonSerializer.Serialize(value, RunJson.Indented) + Environment.NewLine);
}
