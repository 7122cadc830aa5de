using SplitFrozen.Cli.Logging;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Runs;

using Spectre.Console;

namespace SplitFrozen.Cli.Commands;

/// <summary>Says what went wrong and chooses the exit code.</summary>
internal static class Failures
{
    /// <summary>Reports an exception of a command.</summary>
    /// <param name="console">Where errors are shown.</param>
    /// <param name="error">What happened.</param>
    /// <param name="log">Where a fault of the program itself is written in full, or null: shown in full.</param>
    public static ExitCode Report(IAnsiConsole console, Exception error, RunLog? log)
    {
        switch (Cause(error))
        {
            case UserErrorException user:
                Say(console, user.Message);
                return ExitCode.BadInput;
            case RunFailedException failed:
                Say(console, failed.Message);
                return failed.Failure switch
                {
                    RunFailure.NotStarted => ExitCode.NotStarted,
                    RunFailure.TakenOver => ExitCode.TakenOver,
                    _ => ExitCode.TrainingFailed,
                };
            case var fault:
                log?.Write("FATAL", fault.GetType().Name, fault.ToString());
                Say(console, $"SplitFrozen failed inside: {fault.Message}" + (log is null ? $"{Environment.NewLine}{fault}" : $" The details are in {log.Name}."));
                return ExitCode.InternalFailure;
        }
    }

    /// <summary>Whether a run ended by the server's own decision, which a standby server would take likewise.</summary>
    public static bool IsDecided(Exception error) =>
        Cause(error) is UserErrorException or RunFailedException { Failure: RunFailure.NotStarted or RunFailure.Broken };

    /// <summary>The exception that says something: tasks and actors wrap it.</summary>
    public static Exception Cause(Exception error) =>
        error is AggregateException { InnerExceptions: [var only] } ? Cause(only) : error;

    private static void Say(IAnsiConsole console, string message)
    {
        console.Markup("[red]error:[/] ");
        console.Profile.Out.Writer.WriteLine(message);
        console.Profile.Out.Writer.Flush();
    }
}
