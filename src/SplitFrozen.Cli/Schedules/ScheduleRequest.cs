using SplitFrozen.Domain;
using SplitFrozen.Domain.Scheduling;

namespace SplitFrozen.Cli.Schedules;

/// <summary>Which schedule to show.</summary>
/// <param name="Kind">The order.</param>
/// <param name="Stages">Number of stages p.</param>
/// <param name="MicroBatches">Micro-batches m.</param>
/// <param name="Times">TF, TB and TW of every stage.</param>
/// <param name="PendingWeights">W that a stage may put off.</param>
internal sealed record ScheduleRequest(ScheduleKind Kind, int Stages, int MicroBatches, StageTimes Times, int PendingWeights)
{
    /// <summary>Operations in all; more than this are not listed.</summary>
    private const long MostOperations = 3_000_000;

    /// <summary>The lists.</summary>
    /// <exception cref="UserErrorException">The request makes no sense.</exception>
    public PipelineSchedule Schedule()
    {
        if (3L * Stages * MicroBatches > MostOperations)
        {
            throw new UserErrorException($"--stages {Stages} and --micro-batches {MicroBatches} make {3L * Stages * MicroBatches} operations; at most {MostOperations} are played. Lower one of them.");
        }

        return PendingWeights == 0 || Kind == ScheduleKind.ZbH1 ? PipelineSchedule.Create(Kind, Stages, MicroBatches)
            : throw new UserErrorException($"--pending-w {PendingWeights} is not allowed with {Kind.Name()}: only zb-h1 parts W from B.");
    }
}
