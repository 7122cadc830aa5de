using SplitFrozen.Domain.Runs;
using SplitFrozen.Domain.Simulation;

namespace SplitFrozen.Cli.Simulation;

/// <summary>A simulation, and the run that it is of, if any.</summary>
internal sealed record SimulationOutcome(SimulationReport Report, RunComparison? Comparison);

/// <summary>A predicted time beside the achieved one.</summary>
/// <param name="PredictedSeconds">Of the simulation.</param>
/// <param name="AchievedSeconds">Of the run: wall time less evaluation, which is not simulated.</param>
/// <param name="Error">(predicted − achieved) / achieved.</param>
internal sealed record RunComparison(double PredictedSeconds, double AchievedSeconds, double Error)
{
    /// <summary>Sets a simulation beside its run.</summary>
    public static RunComparison Of(SimulationReport report, RunSummary run)
    {
        var achieved = run.WallSeconds - run.StageSeconds.Evaluation;
        return new RunComparison(report.TotalSeconds, achieved, (report.TotalSeconds - achieved) / achieved);
    }
}
