using System.Collections.Concurrent;
using System.Globalization;

using Akka.Actor;
using Akka.Configuration;
using Akka.Dispatch;
using Akka.Event;

namespace SplitFrozen.TestKit.Timing;

/// <summary>Akka's scheduler by a <see cref="ControlledTime"/>: all timers of an actor system run by it.</summary>
public sealed class ControlledScheduler : SchedulerBase, IDisposable
{
    private const string Key = "splitfrozen-testkit.time";

    private static readonly ConcurrentDictionary<int, ControlledTime> Times = new();
    private static int _numbers;

    private readonly ControlledTime _time;
    private volatile bool _isOver;

    /// <summary>Made by Akka from its configuration.</summary>
    public ControlledScheduler(Config config, ILoggingAdapter log) : base(config, log) => _time = Times[config.GetInt(Key)];

    /// <inheritdoc/>
    public override TimeSpan MonotonicClock => _time.Elapsed;

    /// <inheritdoc/>
    public override TimeSpan HighResMonotonicClock => _time.Elapsed;

    /// <inheritdoc/>
    protected override DateTimeOffset TimeNow => _time.GetUtcNow();

    /// <summary>The actor system has ended: nothing runs any more.</summary>
    public void Dispose() => _isOver = true;

    /// <summary>The configuration of an actor system that is to run by this time; who gives the second part back ends that.</summary>
    internal static (Config Hocon, IDisposable End) For(ControlledTime time)
    {
        var number = Interlocked.Increment(ref _numbers);
        Times[number] = time;
        var hocon = string.Create(
            CultureInfo.InvariantCulture,
            $"akka.scheduler.implementation = \"{typeof(ControlledScheduler).FullName}, {typeof(ControlledScheduler).Assembly.GetName().Name}\"\n{Key} = {number}");
        return (ConfigurationFactory.ParseString(hocon), new Registration(number));
    }

    /// <inheritdoc/>
    protected override void InternalScheduleTellOnce(TimeSpan delay, ICanTell receiver, object message, IActorRef sender, ICancelable cancelable) =>
        Once(delay, () => receiver.Tell(message, sender), cancelable);

    /// <inheritdoc/>
    protected override void InternalScheduleTellRepeatedly(
        TimeSpan initialDelay, TimeSpan interval, ICanTell receiver, object message, IActorRef sender, ICancelable cancelable) =>
        Repeatedly(initialDelay, interval, () => receiver.Tell(message, sender), cancelable);

    /// <inheritdoc/>
    protected override void InternalScheduleOnce(TimeSpan delay, Action action, ICancelable cancelable) => Once(delay, action, cancelable);

    /// <inheritdoc/>
    protected override void InternalScheduleOnce(TimeSpan delay, IRunnable action, ICancelable cancelable) => Once(delay, action.Run, cancelable);

    /// <inheritdoc/>
    protected override void InternalScheduleRepeatedly(TimeSpan initialDelay, TimeSpan interval, Action action, ICancelable cancelable) =>
        Repeatedly(initialDelay, interval, action, cancelable);

    /// <inheritdoc/>
    protected override void InternalScheduleRepeatedly(TimeSpan initialDelay, TimeSpan interval, IRunnable action, ICancelable cancelable) =>
        Repeatedly(initialDelay, interval, action.Run, cancelable);

    private void Once(TimeSpan delay, Action action, ICancelable? cancelable) => _time.Schedule(delay, () => Run(action), () => IsCancelled(cancelable));

    private void Repeatedly(TimeSpan delay, TimeSpan interval, Action action, ICancelable? cancelable) => _time.Schedule(
        delay,
        () =>
        {
            Repeatedly(interval, interval, action, cancelable);
            Run(action);
        },
        () => IsCancelled(cancelable));

    /// <summary>An action that throws must not end the time of all others.</summary>
    private void Run(Action action)
    {
        try
        {
            action();
        }
        catch (Exception e)
        {
            Log.Error(e, "A scheduled action failed");
        }
    }

    private bool IsCancelled(ICancelable? cancelable) => _isOver || cancelable is { IsCancellationRequested: true };

    private sealed class Registration(int number) : IDisposable
    {
        public void Dispose() => Times.TryRemove(number, out _);
    }
}
