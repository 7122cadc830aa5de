using System.Globalization;

using Spectre.Console;
using Spectre.Console.Rendering;

namespace SplitFrozen.Cli.Terminal;

/// <summary>The progress bar of a terminal, and the same in words.</summary>
internal static class TrainingBar
{
    private const int BarWidth = 20;

    /// <summary>Shows the bar until the work is done.</summary>
    /// <param name="console">A live one.</param>
    /// <param name="progress">What it shows.</param>
    /// <param name="work">Is handed what draws the bar anew after a change.</param>
    public static Task ShowAsync(IAnsiConsole console, RunProgress progress, Func<Action, Task> work)
    {
        var (left, right) = (Epoch(progress), Figures(progress));
        return console.Progress().AutoClear(true)
            .Columns(
                new Live(() => Volatile.Read(ref left)), new ProgressBarColumn { Width = BarWidth }, new PercentageColumn(),
                new Live(() => Volatile.Read(ref right)))
            .StartAsync(async context =>
            {
                var task = context.AddTask("training", maxValue: Math.Max(1, progress.TotalSamples));
                await work(() =>
                {
                    Volatile.Write(ref left, Epoch(progress));
                    Volatile.Write(ref right, Figures(progress));
                    task.Value = progress.Samples;
                }).ConfigureAwait(false);
            });
    }

    /// <summary>The progress in words, for a line.</summary>
    public static string Text(RunProgress progress) => string.Create(
        CultureInfo.InvariantCulture, $"{Epoch(progress)}, step {progress.Steps}/{progress.TotalSteps}, {Figures(progress)}");

    private static string Epoch(RunProgress progress) => string.Create(CultureInfo.InvariantCulture, $"epoch {progress.Epoch}/{progress.Epochs}");

    private static string Figures(RunProgress progress)
    {
        if (progress.Loss is not { } loss)
        {
            return "getting ready";
        }

        if (progress.Steps == progress.TotalSteps)
        {
            return $"loss {Units.Loss(loss)}, scoring the adapter";
        }

        var rate = progress.SamplesPerSecond is { } r ? string.Create(CultureInfo.InvariantCulture, $", {r:0} samples/s") : "";
        var left = progress.TimeLeft is { } t ? $", {Units.Duration(t)} left" : "";
        return $"loss {Units.Loss(loss)}{rate}{left}";
    }

    private sealed class Live(Func<string> text) : ProgressColumn
    {
        protected override bool NoWrap => true;

        public override IRenderable Render(RenderOptions options, ProgressTask task, TimeSpan deltaTime) => new Text(text());
    }
}
