namespace SplitFrozen.Domain.Runs;

/// <summary>What ended a run that had begun.</summary>
public enum RunFailure
{
    /// <summary>Too few devices joined in time.</summary>
    NotStarted,

    /// <summary>A device or node was lost, or training could not go on.</summary>
    Broken,

    /// <summary>A device node is cut off from the server, which may come back.</summary>
    ServerLost,

    /// <summary>This server did not renew the run's lease in time, and another may have taken over.</summary>
    TakenOver,
}

/// <summary>A run ended without its result. The message says why, what was kept and what to do.</summary>
public sealed class RunFailedException : Exception
{
    /// <summary>A failure of the given kind.</summary>
    public RunFailedException(RunFailure failure, string message) : base(message) => Failure = failure;

    /// <summary>A failure of the given kind, with the exception behind it.</summary>
    public RunFailedException(RunFailure failure, string message, Exception inner) : base(message, inner) => Failure = failure;

    /// <summary>Its kind.</summary>
    public RunFailure Failure { get; }
}
