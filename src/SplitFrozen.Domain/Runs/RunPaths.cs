namespace SplitFrozen.Domain.Runs;

/// <summary>Where a run writes.</summary>
/// <param name="Folder">The run's folder, absolute.</param>
public sealed record RunPaths(string Folder)
{
    /// <summary>The adapter as a PEFT folder.</summary>
    public string Adapter => Path.Combine(Folder, "adapter");

    /// <summary>The checkpoint with the best validation.</summary>
    public string Best => Path.Combine(Folder, "best");

    /// <summary>Checkpoints, one folder each.</summary>
    public string Checkpoints => Path.Combine(Folder, "checkpoint");

    /// <summary>Who may write to the folder, where a standby server may take over.</summary>
    public string Lease => Path.Combine(Folder, "lease");

    /// <summary>Which sample was trained in which step.</summary>
    public string Ledger => Path.Combine(Folder, "ledger.txt");

    /// <summary>Stored activations, where they are kept on disk and no other folder is named.</summary>
    public string Store => Path.Combine(Folder, "store");
}
