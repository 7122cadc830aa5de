using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

using SplitFrozen.Domain.Files;
using SplitFrozen.Domain.Runs;

namespace SplitFrozen.Cli.Runs;

/// <summary>
/// Writes a run's events to metrics.jsonl: one JSON object a line with the time (UTC) and the event's name, flushed line by line. Of a run that is resumed, what came
/// after the checkpoint is taken out first: it happens again. A full disk does not end the run: lines wait until there is room again.
/// </summary>
internal sealed class MetricsWriter : IRunObserver, IDisposable
{
    /// <summary>Lines that wait for room on the disk; beyond that the oldest are given up.</summary>
    private const int MostLate = 100_000;

    private readonly Lock _gate = new();
    private readonly string _file;
    private readonly TimeProvider _time;
    private readonly List<string> _waiting = [];
    private readonly Queue<string> _late = [];
    private readonly Action<string> _warn;
    private FileStream? _stream;
    private bool _closed;

    /// <param name="file">The file.</param>
    /// <param name="time">The clock.</param>
    /// <param name="resumes">Whether the file of a run that is resumed is there already; its events then begin with where it goes on.</param>
    /// <param name="warn">Told when the disk has no room, once until it has; null: nobody.</param>
    public MetricsWriter(string file, TimeProvider time, bool resumes = false, Action<string>? warn = null)
    {
        (_file, _time, _warn) = (file, time, warn ?? (_ => { }));
        if (!resumes)
        {
            _stream = Open(FileMode.CreateNew);
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
            if (_stream is null && _waiting.Count > 0)
            {
                GoOnAfter(int.MaxValue);
            }

            _closed = true;
            _stream?.Dispose();
        }
    }

    /// <summary>Until it is known where the run goes on, lines wait.</summary>
    private void Write(string line, RunEvent e)
    {
        if (_stream is not null)
        {
            Append(_stream, line + "\n");
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
        _stream = Open(FileMode.Append);
    }

    /// <summary>Writes a line, after those that still wait for room.</summary>
    private void Append(FileStream stream, string line)
    {
        var wasFull = _late.Count > 0;
        _late.Enqueue(line);
        try
        {
            while (_late.TryPeek(out var next))
            {
                WriteWhole(stream, next);
                _late.Dequeue();
            }
        }
        catch (IOException e)
        {
            if (!wasFull)
            {
                _warn($"{_file} could not be written: {e.Message} The run goes on, and its lines wait for room.");
            }

            if (_late.Count > MostLate)
            {
                _late.Dequeue();
            }
        }
    }

    /// <summary>A full disk may have taken a part of the line, which must not stand before the next one.</summary>
    private static void WriteWhole(FileStream stream, string line)
    {
        var before = stream.Length;
        try
        {
            stream.Write(Encoding.UTF8.GetBytes(line));
        }
        catch (IOException)
        {
            stream.SetLength(before);
            stream.Position = before;
            throw;
        }
    }

    /// <summary>The lines of a text, without one that a crash cut off.</summary>
    private static IEnumerable<string> Whole(string text) => text[..(text.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private static bool IsStepFrom(string line, int step)
    {
        var json = JsonNode.Parse(line)!;
        return json["event"]!.GetValue<string>() == "step_done" && json["step"]!.GetValue<int>() >= step;
    }

    private FileStream Open(FileMode mode)
    {
        var stream = new FileStream(_file, mode is FileMode.Append ? FileMode.Open : mode, FileAccess.Write, FileShare.Read, bufferSize: 0);
        stream.Position = stream.Length;
        return stream;
    }
}
