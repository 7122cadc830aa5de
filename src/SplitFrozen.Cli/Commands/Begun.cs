using Akka.Configuration;

using SplitFrozen.Actors.Hosting;
using SplitFrozen.Cli.Composing;
using SplitFrozen.Cli.Logging;
using SplitFrozen.Cli.Runs;
using SplitFrozen.Domain.Configuration;

namespace SplitFrozen.Cli.Commands;

/// <summary>A run that is opened and has its folder.</summary>
/// <param name="Settings">Its configuration.</param>
/// <param name="Run">Model, data and settings.</param>
/// <param name="Hocon">The configuration as it was read.</param>
/// <param name="Folder">Its folder.</param>
/// <param name="Resumes">Whether it goes on from a checkpoint.</param>
internal sealed record Begun(Settings Settings, ITrainingRun Run, Config Hocon, RunFolder Folder, bool Resumes)
{
    /// <summary>The node that stood by and takes over, or null: one is started.</summary>
    public ServerNode? Node { get; init; }

    /// <summary>The log that is written already, or null: the run's own.</summary>
    public RunLog? Log { get; init; }
}
