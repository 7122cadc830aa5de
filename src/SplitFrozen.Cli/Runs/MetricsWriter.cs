using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

using SplitFrozen.Domain.Files;
using SplitFrozen.Domain.Runs;

namespace SplitFrozen.Cli.Runs;

/// <summary>
/// Writes a run's events to metrics.jsonl: one JSON object a line with the time (UTC) and the event's name, flushed line by line. Of a run that is resumed, what came
/// after the checkpoint is taken out first: it happens again.
/// </summary>
internal sealed class MetricsWriter : IRunObserver, IDisposable
{
    private readonly Lock _gate = new();
    private readonly string _file;
    private readonly TimeProvider _time;
    private readonly List<string> _waiting = [];
    private StreamWriter? _writer;
    private bool _closed;

    /// <param name="file">The file.</param>
    /// <param name="time">The clock.</param>
    /// <param name="resumes">Whether the file of a run that is resumed is there already; its events then begin with where it goes on.</param>
    public MetricsWriter(string file, TimeProvider time, bool resumes = false)
    {
        (_file, _time) = (file, time);
        if (!resumes)
        {
            _writer = Open(FileMode.CreateNew);
        }
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
                Write(line.ToJsonString(RunJson.Line), e);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_writer is null && _waiting.Count > 0)
            {
                GoOnAfter(int.MaxValue);
            }

            _closed = true;
            _writer?.Dispose();
        }
    }

    /// <summary>Until it is known where the run goes on, lines wait.</summary>
    private void Write(string line, RunEvent e)
    {
        if (_writer is not null)
        {
            _writer.WriteLine(line);
            return;
        }

        _waiting.Add(line);
        if (e is RunEvent.Resumed { Step: var step })
        {
            GoOnAfter(step);
        }
    }

    private void GoOnAfter(int step)
    {
        var kept = File.Exists(_file) ? Whole(File.ReadAllText(_file)).TakeWhile(l => !IsStepFrom(l, step)) : [];
        AtomicFile.Write(_file, string.Concat(kept.Concat(_waiting).Select(l => l + "\n")));
        _waiting.Clear();
        _writer = Open(FileMode.Append);
    }

    /// <summary>The lines of a text, without one that a crash cut off.</summary>
    private static IEnumerable<string> Whole(string text) => text[..(text.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private static bool IsStepFrom(string line, int step)
    {
        var json = JsonNode.Parse(line)!;
        return json["event"]!.GetValue<string>() == "step_done" && json["step"]!.GetValue<int>() >= step;
    }

    private StreamWriter Open(FileMode mode) => new(new FileStream(_file, mode, FileAccess.Write, FileShare.Read)) { AutoFlush = true };
}
