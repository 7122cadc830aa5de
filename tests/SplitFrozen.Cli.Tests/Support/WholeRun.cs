using Akka.Configuration;

using SplitFrozen.Cli.Composing;
using SplitFrozen.Domain.Runs;

namespace SplitFrozen.Cli.Tests.Support;

/// <summary>A run from its start to its end, in a folder that is gone afterwards.</summary>
internal sealed class WholeRun : IRunObserver
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    private readonly List<double> _losses = [];

    private WholeRun()
    {
    }

    /// <summary>Sums of losses, by step.</summary>
    public IReadOnlyList<double> Losses => _losses;

    /// <summary>The run's summary.</summary>
    public RunSummary Summary { get; private set; } = null!;

    /// <summary>Runs to the end.</summary>
    /// <param name="run">The run.</param>
    /// <param name="hocon">The configuration that it was opened with.</param>
    public static async Task<WholeRun> Of(ITrainingRun run, Config hocon)
    {
        using var folder = new TemporaryFolder();
        var whole = new WholeRun();
        whole.Summary = await run.RunAsync(new RunHost(new RunPaths(folder.Path), whole, hocon, CancellationToken.None)).WaitAsync(Limit);
        return whole;
    }

    /// <inheritdoc/>
    public void On(RunEvent e)
    {
        if (e is RunEvent.StepDone step)
        {
            _losses.Add(step.Score.LossSum);
        }
    }
}
