using System.Globalization;
using System.Text.Json;

using SplitFrozen.Cli.Plots;
using SplitFrozen.Cli.Runs;
using SplitFrozen.Domain.Scheduling;

using Spectre.Console;

namespace SplitFrozen.Cli.Schedules;

/// <summary>Shows a schedule and what its replay comes to, as text, JSON or a picture.</summary>
internal static class ScheduleView
{
    private static readonly string[] Categories = ["F: forward", "B: gradients of activations", "W: gradients of weights"];

    /// <param name="console">Where to.</param>
    /// <param name="request">Which schedule.</param>
    /// <param name="asJson">Whether to print JSON.</param>
    /// <param name="picture">PNG file of the timeline, or null.</param>
    public static void Show(IAnsiConsole console, ScheduleRequest request, bool asJson, string? picture)
    {
        var schedule = request.Schedule();
        var replay = ScheduleReplay.Run(schedule, request.Times, request.PendingWeights);
        if (picture is not null)
        {
            Draw(picture, request, replay);
        }

        var writer = console.Profile.Out.Writer;
        if (asJson)
        {
            writer.WriteLine(JsonSerializer.Serialize(Figures.Of(request, schedule, replay), RunJson.Line));
            return;
        }

        for (var stage = 0; stage < schedule.Stages.Count; stage++)
        {
            writer.WriteLine($"stage {stage}: {string.Join(' ', schedule.Stages[stage])}");
        }

        writer.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"makespan {replay.Makespan:0.######}, bubble {replay.Bubble:0.######} a stage ({replay.BubbleShare:0.0 %} of its time), peak activations {string.Join(' ', replay.PeakActivations)} micro-batches by stage"));
        if (picture is not null)
        {
            writer.WriteLine($"timeline: {picture}");
        }
    }

    private static void Draw(string file, ScheduleRequest request, ReplayResult replay) => TimelinePlot.Save(
        file,
        string.Create(CultureInfo.InvariantCulture, $"{request.Kind.Name()}: {request.Stages} stages, {request.MicroBatches} micro-batches, bubble {replay.BubbleShare:0.0 %}"),
        string.Create(CultureInfo.InvariantCulture, $"time (in the unit of TF = {request.Times.Forward}, TB = {request.Times.BackwardInput}, TW = {request.Times.BackwardWeights})"),
        [.. Enumerable.Range(0, request.Stages).Select(stage => $"stage {stage}")],
        [.. replay.Operations.Select(o => new TimelineBar(o.Stage, o.Start, o.End, Categories[(int)o.Operation.Kind], o.Operation.ToString()))],
        Categories);

    private sealed record Figures(
        string Schedule, IReadOnlyList<IReadOnlyList<string>> Stages, double Makespan, double Bubble, double BubbleShare, IReadOnlyList<double> Bubbles,
        IReadOnlyList<int> PeakActivations)
    {
        public static Figures Of(ScheduleRequest request, PipelineSchedule schedule, ReplayResult replay) => new(
            request.Kind.Name(), [.. schedule.Stages.Select(list => list.Select(o => o.ToString()).ToList())], replay.Makespan, replay.Bubble,
            replay.BubbleShare, replay.Bubbles, replay.PeakActivations);
    }
}
