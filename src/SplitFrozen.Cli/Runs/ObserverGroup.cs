using SplitFrozen.Domain.Runs;

namespace SplitFrozen.Cli.Runs;

/// <summary>Passes a run's events on to several observers.</summary>
internal sealed class ObserverGroup(params IReadOnlyList<IRunObserver> observers) : IRunObserver
{
    /// <inheritdoc/>
    public void On(RunEvent e)
    {
        foreach (var observer in observers)
        {
            observer.On(e);
        }
    }
}
