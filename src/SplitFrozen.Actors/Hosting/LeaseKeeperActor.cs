using Akka.Actor;
using Akka.Event;

using SplitFrozen.Domain;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Protocol.Messages;

namespace SplitFrozen.Actors.Hosting;

/// <summary>
/// Looks after the run's lease on a server node: answers whether this side of a cluster that fell apart may live, and, on a standby node, takes the lease when its
/// holder lets it run out. On a thread of its own, as a file system may be slow.
/// </summary>
internal sealed class LeaseKeeperActor : ReceiveActor, IWithTimers
{
    /// <summary>Name of this actor below /user.</summary>
    internal const string Name = "lease";

    /// <summary>Looks in the time that the lease holds.</summary>
    private const int Looks = 20;

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly RunLease _lease;
    private readonly StandbySeat? _seat;
    private readonly List<(IActorRef Who, LeaseView? Then)> _asked = [];

    /// <param name="lease">The lease.</param>
    /// <param name="seat">Told how the lease stands, on a standby node; null on the active one, which never takes it back.</param>
    public LeaseKeeperActor(RunLease lease, StandbySeat? seat)
    {
        (_lease, _seat) = (lease, seat);
        Receive<LeaseMessages.Ask>(_ =>
        {
            _asked.Add((Sender, null));
            Look();
        });
        Receive<Tick>(_ => Look());
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart() => Timers.StartPeriodicTimer(nameof(Tick), Tick.Instance, TimeSpan.Zero, _lease.Time / Looks);

    private void Look()
    {
        try
        {
            Judge(_lease.Look());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _log.Warning("The run's lease cannot be read: {Reason}", e.Message);
        }
        catch (UserErrorException e)
        {
            _log.Error("{Reason}", e.Message);
            _seat?.Fail(e);
            Timers.CancelAll();
            Answer(isHeld: false, _ => true);
        }
    }

    private void Judge(LeaseView view)
    {
        if (view.IsOwn || (_seat is not null && view.State == LeaseState.Expired && TryTake(view)))
        {
            _seat?.HasLease();
            Answer(isHeld: true, _ => true);
        }
        else if (view.State == LeaseState.Held)
        {
            // A holder that has renewed the lease since the question lives; else it is to be seen.
            Answer(isHeld: false, then => then is { } earlier && view.IsNewerThan(earlier));
            for (var i = 0; i < _asked.Count; i++)
            {
                _asked[i] = _asked[i] with { Then = _asked[i].Then ?? view };
            }
        }
        else if (_seat is null || view.State is not LeaseState.Expired)
        {
            if (view.State == LeaseState.Released)
            {
                _seat?.RunIsOver();
            }

            Answer(isHeld: false, _ => true);
        }
    }

    private bool TryTake(LeaseView from)
    {
        if (!_lease.TryTake())
        {
            return false;
        }

        _log.Warning("{Holder} has not renewed the run's lease for {Seconds:0.0} s: this server takes over", from.Holder, from.Unchanged.TotalSeconds);
        return true;
    }

    private void Answer(bool isHeld, Func<LeaseView?, bool> now)
    {
        foreach (var asked in _asked.FindAll(a => now(a.Then)))
        {
            asked.Who.Tell(new LeaseMessages.Answer(isHeld));
            _asked.Remove(asked);
        }
    }

    private sealed record Tick : ILocalMessage
    {
        public static Tick Instance { get; } = new();
    }
}
