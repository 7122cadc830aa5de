using System.Runtime.InteropServices;

namespace SplitFrozen.Cli;

/// <summary>
/// The user's wish to stop. The first Ctrl-C (SIGINT) or SIGTERM asks for an orderly stop; a second one is left to the system, which ends the
/// process at once.
/// </summary>
internal sealed class StopRequest : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly List<PosixSignalRegistration> _signals = [];
    private int _presses;

    /// <summary>Cancelled at the first request.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>Listens to the process's signals from now on.</summary>
    public void ListenToSignals()
    {
        foreach (var signal in (PosixSignal[])[PosixSignal.SIGINT, PosixSignal.SIGTERM])
        {
            _signals.Add(PosixSignalRegistration.Create(signal, context => context.Cancel = Request()));
        }
    }

    /// <summary>Asks to stop.</summary>
    /// <returns>Whether this was the first request.</returns>
    public bool Request()
    {
        if (Interlocked.Increment(ref _presses) > 1)
        {
            return false;
        }

        // The stop's listeners run on this thread; the signal's own must not be held up by them.
        ThreadPool.QueueUserWorkItem(_ => _source.Cancel());
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _signals.ForEach(s => s.Dispose());
        _source.Dispose();
    }
}
