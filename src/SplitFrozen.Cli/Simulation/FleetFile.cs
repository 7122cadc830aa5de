using SplitFrozen.Cli.Tables;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Simulation;
using SplitFrozen.Protocol;

namespace SplitFrozen.Cli.Simulation;

/// <summary>Reads device profiles, and how they change, from CSV: <c>device,gigaflops,link_mbit,latency_ms,memory_mib,samples,time</c>.</summary>
internal static class FleetFile
{
    private const double Mebi = 1024 * 1024;
    private static readonly string[] Required = ["device", "gigaflops"];
    private static readonly string[] Optional = ["time", "link_mbit", "latency_ms", "memory_mib", "samples"];

    /// <summary>Reads a file. A device's first row is its profile; later rows change its rates from their time on.</summary>
    /// <returns>The nodes, and the relative amount of data of each where the file says so.</returns>
    /// <exception cref="UserErrorException">The file cannot be read, or a row is not usable.</exception>
    public static (IReadOnlyList<SimulatedNode> Nodes, IReadOnlyList<double>? Shares) Read(string file)
    {
        var nodes = new Dictionary<string, SimulatedNode>(StringComparer.Ordinal);
        var shares = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (var row in TableFile.ReadCsv(file, Required, Optional))
        {
            var name = row.RequiredText("device");
            nodes[name] = nodes.TryGetValue(name, out var known) ? known with { Changes = [.. known.Changes, Change(row, known)] } : First(row, name);
            if (row.Number("samples", 0) is { } share)
            {
                shares[name] = share;
            }
        }

        if (nodes.Count == 0)
        {
            throw new UserErrorException($"{file} lists no device. Give each one a row of {string.Join(", ", Required)}, and as wanted {string.Join(", ", Optional)}.");
        }

        if (shares.Count > 0 && nodes.Keys.FirstOrDefault(n => !shares.ContainsKey(n)) is { } without)
        {
            throw new UserErrorException($"{file} gives samples for some devices and none for {without}. Give all of them, or leave the column out.");
        }

        if (shares.Count > 0 && shares.Values.All(s => s == 0))
        {
            throw new UserErrorException($"{file} gives no device any sample; give at least one of them some.");
        }

        return ([.. nodes.Values], shares.Count == 0 ? null : [.. nodes.Keys.Select(n => shares[n])]);
    }

    private static SimulatedNode First(TableRow row, string name)
    {
        if (!new DeviceId(name).IsValid)
        {
            throw row.Error($"device = {name} is not allowed: it must be 1 to 64 letters, digits, '.', '_' or '-', beginning with a letter or digit.");
        }

        if (row.Number("time", 0) is > 0)
        {
            throw row.Error($"the first row of {name} has a time above 0; a device begins at time 0.");
        }

        return new SimulatedNode(
            name, Rate(row, "gigaflops", null) * 1e9, Link(row, double.PositiveInfinity), (row.Number("latency_ms", 0) ?? 0) / 1000,
            row.Number("memory_mib", 0) is { } memory ? (long)(memory * Mebi) : null, []);
    }

    private static RateChange Change(TableRow row, SimulatedNode node)
    {
        var last = node.Changes.Count > 0 ? node.Changes[^1] : new RateChange(0, node.FlopsPerSecond, node.LinkBytesPerSecond);
        var time = row.RequiredNumber("time", 0);
        return time > last.Time
            ? new RateChange(time, Rate(row, "gigaflops", last.FlopsPerSecond / 1e9) * 1e9, Link(row, last.LinkBytesPerSecond))
            : throw row.Error($"time = {time} of {node.Name} does not come after {last.Time}; put the rows of a device in order of time.");
    }

    private static double Link(TableRow row, double otherwise) =>
        row.Text("link_mbit") is null ? otherwise : Rate(row, "link_mbit", null) * 1e6 / 8;

    private static double Rate(TableRow row, string name, double? otherwise)
    {
        var rate = row.Number(name, 0) ?? otherwise ?? throw row.Error($"has no {name}; give a number.");
        return rate > 0 ? rate : throw row.Error($"{name} = 0 is not allowed: it must be above 0.");
    }
}
