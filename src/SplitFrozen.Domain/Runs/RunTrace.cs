using System.Diagnostics;
using System.Text.Json;

namespace SplitFrozen.Domain.Runs;

/// <summary>A stretch of time in which a lane did something.</summary>
/// <param name="Lane">A device, its link, the shuffle, the catch-up or a trainer stage.</param>
/// <param name="Name">What it did.</param>
/// <param name="Start">Seconds since the trace began, by the server's clock.</param>
/// <param name="Seconds">How long it took.</param>
public readonly record struct TraceSpan(string Lane, string Name, double Start, double Seconds);

/// <summary>Collects every operation of a run. Thread-safe; bounded: what comes after <see cref="Limit"/> spans is only counted.</summary>
public sealed class RunTrace
{
    /// <summary>Most spans that are kept.</summary>
    public const int Limit = 1_000_000;

    /// <summary>The name of time in which the trainer had nothing to do.</summary>
    public const string Waiting = "waiting";

    private readonly Lock _gate = new();
    private readonly List<TraceSpan> _spans = [];
    private readonly long _began = Stopwatch.GetTimestamp();
    private readonly DateTimeOffset _beganAt = DateTimeOffset.UtcNow;

    /// <summary>Spans that found no room.</summary>
    public long Dropped { get; private set; }

    /// <summary>What was collected, by start.</summary>
    public IReadOnlyList<TraceSpan> Spans
    {
        get
        {
            lock (_gate)
            {
                return [.. _spans.OrderBy(s => s.Start)];
            }
        }
    }

    /// <summary>An operation of this process has just ended.</summary>
    /// <param name="lane">Who did it.</param>
    /// <param name="name">What it was.</param>
    /// <param name="seconds">How long it took.</param>
    /// <param name="ago">Seconds since it ended.</param>
    public void Ended(string lane, string name, double seconds, double ago = 0) =>
        Add(new TraceSpan(lane, name, Stopwatch.GetElapsedTime(_began).TotalSeconds - ago - seconds, seconds));

    /// <summary>An operation that began at a time of this process's clock.</summary>
    public void Began(string lane, string name, DateTimeOffset start, double seconds) =>
        Add(new TraceSpan(lane, name, (start - _beganAt).TotalSeconds, seconds));

    /// <summary>The share of its time, from its first operation to its last, in which each lane did nothing.</summary>
    public IReadOnlyDictionary<string, double> IdleShares() => Spans.GroupBy(s => s.Lane).ToDictionary(
        lane => lane.Key,
        lane =>
        {
            var extent = lane.Max(s => s.Start + s.Seconds) - lane.Min(s => s.Start);
            return extent > 0 ? Math.Clamp(1 - (lane.Where(s => s.Name != Waiting).Sum(s => s.Seconds) / extent), 0, 1) : 0;
        });

    /// <summary>Writes the trace in the form that Chrome and Perfetto open: complete events, a thread a lane, times in microseconds.</summary>
    public void WriteChrome(Stream to)
    {
        var spans = Spans;
        var lanes = spans.Select(s => s.Lane).Distinct().Order(StringComparer.Ordinal).ToList();
        using var json = new Utf8JsonWriter(to);
        json.WriteStartObject();
        json.WriteString("displayTimeUnit", "ms");
        json.WriteStartArray("traceEvents");
        for (var lane = 0; lane < lanes.Count; lane++)
        {
            json.WriteStartObject();
            json.WriteString("name", "thread_name");
            json.WriteString("ph", "M");
            json.WriteNumber("pid", 1);
            json.WriteNumber("tid", lane + 1);
            json.WriteStartObject("args");
            json.WriteString("name", lanes[lane]);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        foreach (var span in spans)
        {
            json.WriteStartObject();
            json.WriteString("name", span.Name);
            json.WriteString("ph", "X");
            json.WriteNumber("pid", 1);
            json.WriteNumber("tid", lanes.IndexOf(span.Lane) + 1);
            json.WriteNumber("ts", Math.Round(span.Start * 1e6, 1));
            json.WriteNumber("dur", Math.Round(span.Seconds * 1e6, 1));
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private void Add(TraceSpan span)
    {
        lock (_gate)
        {
            if (_spans.Count < Limit)
            {
                _spans.Add(span);
            }
            else
            {
                Dropped++;
            }
        }
    }
}
