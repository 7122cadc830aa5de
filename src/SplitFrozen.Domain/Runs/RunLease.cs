namespace SplitFrozen.Domain.Runs;

/// <summary>How a lease stands, as one process sees it.</summary>
public enum LeaseState
{
    /// <summary>Nobody has held it.</summary>
    Free,

    /// <summary>Its holder lives, as far as is known.</summary>
    Held,

    /// <summary>Its holder has not renewed it for so long that another may take it.</summary>
    Expired,

    /// <summary>Its holder ended in order.</summary>
    Released,
}

/// <summary>A look at a lease.</summary>
/// <param name="State">How it stands.</param>
/// <param name="Token">The holder's number, or 0.</param>
/// <param name="Holder">Its name, for people.</param>
/// <param name="IsOwn">Whether it is the looker itself.</param>
/// <param name="Unchanged">How long the looker has seen no renewal.</param>
/// <param name="Stamp">Another one after each renewal.</param>
public readonly record struct LeaseView(LeaseState State, int Token, string Holder, bool IsOwn, TimeSpan Unchanged, DateTime Stamp)
{
    /// <summary>Whether the lease was renewed, or changed hands, between an earlier look and this one.</summary>
    public bool IsNewerThan(LeaseView earlier) => (Token, Stamp) != (earlier.Token, earlier.Stamp);
}

/// <summary>
/// The right to write to a run's folder, which one server has at a time. Its holder renews it; one that does not for as long as it said itself is taken for dead. That time is
/// measured by the clock of who waits, from when it saw the last renewal: clocks of two machines are not compared. A holder that was stopped and wakes finds its folder gone
/// (<see cref="LeaseFolder"/>), looks before it writes, and moves what it has written through that folder to its place, which then fails.
/// </summary>
public sealed class RunLease : IDisposable
{
    /// <summary>Renewals in the time that the lease holds.</summary>
    private const int Renewals = 5;

    private readonly Lock _gate = new();
    private readonly LeaseFolder _files;
    private readonly string _run;
    private readonly string _owner = Guid.NewGuid().ToString("N");
    private readonly string _holder;
    private readonly TimeProvider _clock;
    private readonly bool _isRenewed;
    private readonly CancellationTokenSource _lost = new();
    private readonly ManualResetEventSlim _end = new();
    private Thread? _renewal;
    private bool _isDisposed;
    private (int Token, DateTime Stamp)? _seen;
    private long _seenAt;
    private int? _token;

    /// <param name="paths">The run's folder.</param>
    /// <param name="holder">Name of this process, for people.</param>
    /// <param name="time">How long the lease is to be this process's after it was last renewed.</param>
    /// <param name="clock">Measures how long others do not renew it.</param>
    /// <param name="isRenewed">Whether the lease, once taken, is renewed by a thread of its own; else by <see cref="Renew"/>.</param>
    public RunLease(RunPaths paths, string holder, TimeSpan time, TimeProvider clock, bool isRenewed = true)
    {
        (_files, _run, _holder, Time, _clock, _isRenewed) = (new LeaseFolder(paths.Lease), paths.Folder, holder, time, clock, isRenewed);
        Lost = _lost.Token;
    }

    /// <summary>How long the lease is this process's after it was last renewed.</summary>
    public TimeSpan Time { get; }

    /// <summary>Cancelled when the lease, once taken, is found to be another's.</summary>
    public CancellationToken Lost { get; }

    /// <summary>This process's number as the holder, or null: it has not taken the lease.</summary>
    public int? Token => _token;

    /// <summary>A folder of this process, the holder, that ceases to exist the moment another takes over.</summary>
    public string Gate => _files.PathOf(_token ?? throw new InvalidOperationException("The lease has not been taken."));

    /// <summary>Whether this process is the holder; asks the file system.</summary>
    public bool IsHeld => _token is { } token && _files.IsOpen(token);

    /// <summary>Looks at how the lease stands.</summary>
    /// <exception cref="UserErrorException">A file of it is damaged.</exception>
    public LeaseView Look()
    {
        lock (_gate)
        {
            while (true)
            {
                var token = _files.Highest;
                if (token == 0)
                {
                    return new LeaseView(LeaseState.Free, 0, "", IsOwn: false, TimeSpan.Zero, default);
                }

                // Between the two looks another may have taken over.
                if (_files.Read(token) is { } holder)
                {
                    return View(token, holder);
                }
            }
        }
    }

    /// <summary>Takes the lease where nobody holds it.</summary>
    /// <returns>Whether it is this process's now.</returns>
    /// <exception cref="UserErrorException">A file of it is damaged.</exception>
    public bool TryTake()
    {
        lock (_gate)
        {
            var view = Look();
            if (view.IsOwn || view.State == LeaseState.Held)
            {
                return view.IsOwn;
            }

            var token = view.Token + 1;
            if (!_files.TryCreate(token, new LeaseRecord(_owner, _holder, Time.TotalSeconds, _clock.GetUtcNow())))
            {
                return false;
            }

            // Whoever looked long ago may get a number that was closed meanwhile.
            if (_files.Highest != token)
            {
                _files.Remove(token);
                return false;
            }

            _files.CloseBefore(token);
            _token = token;
            Keep();
            return true;
        }
    }

    /// <summary>Shows that this process lives.</summary>
    /// <returns>Whether the lease is still its own.</returns>
    public bool Renew()
    {
        if (_token is not { } token || _files.Touch(token))
        {
            return _token is not null;
        }

        _lost.Cancel();
        return false;
    }

    /// <summary>To be called before each write.</summary>
    /// <exception cref="RunFailedException">The lease is another's.</exception>
    public void Require()
    {
        if (!IsHeld)
        {
            throw TakenOver();
        }
    }

    /// <summary>What a former holder says.</summary>
    public RunFailedException TakenOver() => new(
        RunFailure.TakenOver,
        $"Another server has taken over the run in {_run}{Successor()}: this one did not renew its lease for {Time.TotalSeconds:0.#} s (splitfrozen.server.lease), as if it was stopped or cut off. It ends, and writes nothing more.");

    /// <summary>Gives the lease up in order: nobody need take over.</summary>
    public void Release()
    {
        EndRenewal();
        if (_token is { } token)
        {
            _files.Release(token);
        }
    }

    /// <summary>Stops renewing the lease, which runs out then.</summary>
    public void Dispose()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        EndRenewal();
        _end.Dispose();
        _lost.Dispose();
    }

    private LeaseView View(int token, LeaseHolder holder)
    {
        if (_seen != (token, holder.Stamp))
        {
            (_seen, _seenAt) = ((token, holder.Stamp), _clock.GetTimestamp());
        }

        var unchanged = _clock.GetElapsedTime(_seenAt);
        var state = holder.IsReleased ? LeaseState.Released : unchanged >= TimeSpan.FromSeconds(holder.Record.Seconds) ? LeaseState.Expired : LeaseState.Held;
        return new LeaseView(state, token, holder.Record.Holder, holder.Record.Owner == _owner, unchanged, holder.Stamp);
    }

    private string Successor()
    {
        try
        {
            return Look() is { Holder: { Length: > 0 } holder, IsOwn: false } ? $" ({holder})" : "";
        }
        catch (Exception e) when (e is UserErrorException or IOException or UnauthorizedAccessException)
        {
            // Who it is can't be read; that this process is not the holder is known all the same.
            return "";
        }
    }

    /// <summary>A thread of its own: a busy thread pool must not cost the lease.</summary>
    private void Keep()
    {
        if (_isRenewed)
        {
            _renewal = new Thread(RenewForEver) { IsBackground = true, Name = "lease" };
            _renewal.Start();
        }
    }

    private void RenewForEver()
    {
        while (!_end.Wait(Time / Renewals))
        {
            try
            {
                if (!Renew())
                {
                    return;
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // The file system may answer again the next time. If it does not for long the lease runs out, and nothing can be written either.
            }
        }
    }

    private void EndRenewal()
    {
        _end.Set();
        _renewal?.Join();
    }
}
