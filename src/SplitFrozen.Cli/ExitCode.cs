namespace SplitFrozen.Cli;

/// <summary>How the program ended; docs/exit-codes.md explains each to users.</summary>
internal enum ExitCode
{
    /// <summary>Everything asked for was done.</summary>
    Done = 0,

    /// <summary>A fault in the program itself.</summary>
    InternalFailure = 1,

    /// <summary>Command line, configuration, model, data or machine need mending first.</summary>
    BadInput = 2,

    /// <summary>Too few devices joined in time.</summary>
    NotStarted = 3,

    /// <summary>Training began and could not go on.</summary>
    TrainingFailed = 4,

    /// <summary>A ledger shows samples missing, and says why.</summary>
    LedgerIncomplete = 5,

    /// <summary>A ledger shows samples trained twice or missing without a reason, or is damaged.</summary>
    LedgerBroken = 6,

    /// <summary>This server lost the run's lease, and another has taken the run over.</summary>
    TakenOver = 7,

    /// <summary>Stopped in order by a signal, with a checkpoint; 128 + SIGINT, as shells expect.</summary>
    Stopped = 130,
}
