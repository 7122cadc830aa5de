using System.Globalization;

using SplitFrozen.Cli.Tables;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Simulation;

namespace SplitFrozen.Cli.Simulation;

/// <summary>A simulation, and how it compares with the run that it is of, if any.</summary>
internal sealed record SimulationOutcome(SimulationReport Report, RunComparison? Comparison);

/// <summary>Predicted times beside achieved ones.</summary>
/// <param name="Epochs">Each epoch that the run finished.</param>
internal sealed record RunComparison(IReadOnlyList<EpochComparison> Epochs)
{
    private static readonly string[] Starts = ["training_started", "evaluated"];

    /// <summary>
    /// Sets a simulation beside its run. An epoch of the run lasts from when the trainer turned to it, that is from the start of training or the end of the
    /// scoring before it, to its last step. Devices run ahead while a set is scored, which a simulation, without scoring, does not have.
    /// </summary>
    /// <param name="report">The simulation.</param>
    /// <param name="metrics">The run's events.</param>
    /// <exception cref="UserErrorException">The events do not show an epoch.</exception>
    public static RunComparison Of(SimulationReport report, string metrics)
    {
        var began = new Dictionary<int, DateTimeOffset>();
        var ended = new Dictionary<int, DateTimeOffset>();
        var epoch = 0;
        foreach (var row in TableFile.ReadJsonLines(metrics))
        {
            var name = row.RequiredText("event");
            if (name == "step_done")
            {
                epoch = (int)(row.Whole("epoch", 0) ?? throw row.Error("has no epoch."));
                ended[epoch] = Time(row);
            }
            else if (Starts.Contains(name))
            {
                began[ended.ContainsKey(epoch) ? epoch + 1 : epoch] = Time(row);
            }
        }

        var compared = report.Epochs.Where(e => ended.ContainsKey(e.Epoch)).Select(e => EpochComparison.Of(
            e, (ended[e.Epoch] - (began.TryGetValue(e.Epoch, out var start) ? start : ended[e.Epoch - 1])).TotalSeconds)).ToList();
        return compared.Count > 0 ? new RunComparison(compared)
            : throw new UserErrorException($"{metrics} shows no step of any epoch, so that there is nothing to compare with. Name a run that trained.");
    }

    private static DateTimeOffset Time(TableRow row) =>
        DateTimeOffset.TryParse(row.RequiredText("time"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time
            : throw row.Error($"time = {row.Text("time")} is no time.");
}

/// <summary>One epoch.</summary>
/// <param name="Epoch">From 0.</param>
/// <param name="PredictedSeconds">Of the simulation.</param>
/// <param name="AchievedSeconds">Of the run.</param>
/// <param name="Error">(predicted − achieved) / achieved.</param>
internal sealed record EpochComparison(int Epoch, double PredictedSeconds, double AchievedSeconds, double Error)
{
    /// <summary>Sets the times of an epoch side by side.</summary>
    public static EpochComparison Of(EpochReport epoch, double achieved) => new(epoch.Epoch, epoch.Seconds, achieved, (epoch.Seconds - achieved) / achieved);
}
