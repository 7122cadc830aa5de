using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

using SplitFrozen.Domain.Runs;

namespace SplitFrozen.Cli.Runs;

/// <summary>Writes a run's events to metrics.jsonl: one JSON object a line with the time (UTC) and the event's name, flushed line by line.</summary>
internal sealed class MetricsWriter : IRunObserver, IDisposable
{
    private readonly Lock _gate = new();
    private readonly StreamWriter _writer;
    private readonly TimeProvider _time;
    private bool _closed;

    public MetricsWriter(string file, TimeProvider time)
    {
        _time = time;
        _writer = new StreamWriter(new FileStream(file, FileMode.CreateNew, FileAccess.Write, FileShare.Read)) { AutoFlush = true };
    }

    /// <inheritdoc/>
    public void On(RunEvent e)
    {
        var line = new JsonObject
        {
            ["time"] = _time.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture),
            ["event"] = JsonNamingPolicy.SnakeCaseLower.ConvertName(e.GetType().Name),
        };
        foreach (var (name, value) in JsonSerializer.SerializeToNode(e, e.GetType(), RunJson.Line)!.AsObject().ToList())
        {
            line[name] = value?.DeepClone();
        }

        lock (_gate)
        {
            // Nodes still leave after a run has ended.
            if (!_closed)
            {
                _writer.WriteLine(line.ToJsonString(RunJson.Line));
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _closed = true;
            _writer.Dispose();
        }
    }
}
