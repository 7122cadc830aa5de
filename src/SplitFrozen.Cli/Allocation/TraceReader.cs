using System.Globalization;

using SplitFrozen.Cli.Tables;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Allocation;
using SplitFrozen.Protocol;

namespace SplitFrozen.Cli.Allocation;

/// <summary>
/// Reads capacity traces: CSV with a header, or JSON lines with the same names. A run's metrics.jsonl is such a trace: its lines that say when a device joined
/// or what capacity it reported are taken, the others passed over.
/// </summary>
internal static class TraceReader
{
    private static readonly string[] Required = ["time", "device", "layer_tokens_per_second"];
    private static readonly string[] Optional = ["node", "link_bytes_per_second", "free_memory_bytes", "queue_length", "samples"];
    private static readonly string[] Events = ["device_joined", "capacity", "capacity_measured"];

    /// <summary>Reads a trace.</summary>
    /// <exception cref="UserErrorException">The file cannot be read, a line is malformed, or there is none.</exception>
    public static IReadOnlyList<CapacityObservation> Read(string file)
    {
        var rows = Path.GetExtension(file) == ".csv"
            ? TableFile.ReadCsv(file, Required, Optional)
            : TableFile.ReadJsonLines(file).Where(r => r.Text("event") is not { } name || Events.Contains(name));
        var observations = new List<CapacityObservation>();
        DateTimeOffset? start = null;
        foreach (var row in rows)
        {
            observations.Add(Observation(row, Seconds(row, ref start)));
        }

        return observations.Count > 0 ? observations
            : throw new UserErrorException($"{file} holds no capacity of any device. A trace has lines with {string.Join(", ", Required)}, as CSV with a header or as JSON lines.");
    }

    private static CapacityObservation Observation(TableRow row, double time)
    {
        var device = new DeviceId(row.RequiredText("device"));
        return device.IsValid
            ? new CapacityObservation(
                time, device, row.Text("node") ?? device.Value, row.RequiredNumber("layer_tokens_per_second", 0), row.Number("link_bytes_per_second", 0),
                row.Whole("free_memory_bytes", 0), (int)(row.Whole("queue_length", 0) ?? 0), row.Whole("samples", 0))
            : throw row.Error($"device = {device} is not allowed: it must be 1 to 64 letters, digits, '.', '_' or '-', beginning with a letter or digit.");
    }

    /// <summary>Seconds as they stand, or from the first line's time of day.</summary>
    private static double Seconds(TableRow row, ref DateTimeOffset? start)
    {
        if (DateTimeOffset.TryParse(row.RequiredText("time"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var moment)
            && row.RequiredText("time").Contains('T', StringComparison.Ordinal))
        {
            start ??= moment;
            return Math.Max(0, (moment - start.Value).TotalSeconds);
        }

        return row.RequiredNumber("time", 0);
    }
}
