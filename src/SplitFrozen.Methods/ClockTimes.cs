using System.Diagnostics;

using SplitFrozen.Domain.Runs;
using SplitFrozen.Domain.Scheduling;

namespace SplitFrozen.Methods;

/// <summary>Takes the time of operations.</summary>
internal static class ClockTimes
{
    /// <summary>Runs F, B or W, and notes how long it took.</summary>
    public static void Timed(this RunClock clock, OperationKind kind, Action run)
    {
        var started = Stopwatch.GetTimestamp();
        run();
        clock.Operation(kind, Stopwatch.GetElapsedTime(started).TotalSeconds);
    }
}
