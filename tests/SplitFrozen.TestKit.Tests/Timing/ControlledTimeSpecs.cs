using System.Collections.Concurrent;

using Akka.Actor;

using SplitFrozen.TestKit.Timing;

using Xunit;

namespace SplitFrozen.TestKit.Tests.Timing;

/// <summary>When time passes, and for whom.</summary>
public sealed class ControlledTimeSpecs
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(30);

    [Fact(DisplayName = "Timers run in the order of their times, each at its own")]
    public void Should_run_timers_in_order()
    {
        using var time = new ControlledTime();
        using var done = new BlockingCollection<(string, TimeSpan)>();
        time.Begin();
        time.After(TimeSpan.FromHours(2), () => done.Add(("second", time.Elapsed)));
        time.After(TimeSpan.FromMinutes(1), () => done.Add(("first", time.Elapsed)));
        using var never = time.CreateTimer(_ => done.Add(("never", time.Elapsed)), null, TimeSpan.FromMinutes(5), Timeout.InfiniteTimeSpan);
        never.Dispose();
        time.End();

        Assert.Equal(("first", TimeSpan.FromMinutes(1)), Take(done));
        Assert.Equal(("second", TimeSpan.FromHours(2)), Take(done));
    }

    [Fact(DisplayName = "A timer with a period runs again and again, until it is disposed")]
    public void Should_repeat()
    {
        using var time = new ControlledTime();
        using var done = new BlockingCollection<TimeSpan>();
        using (time.CreateTimer(_ => done.Add(time.Elapsed), null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(10)))
        {
            Assert.Equal([1, 11, 21], new[] { Take(done), Take(done), Take(done) }.Select(at => at.TotalSeconds));
        }

        // One may have been under way.
        var before = done.Count;
        time.Block(TimeSpan.FromHours(1), isAtWork: false);
        Assert.InRange(done.Count - before, 0, 1);
    }

    [Fact(DisplayName = "Work takes as much time as it is said to, and what is due meanwhile runs")]
    public void Should_pass_with_work()
    {
        using var time = new ControlledTime();
        using var done = new BlockingCollection<TimeSpan>();
        time.Begin();
        time.After(TimeSpan.FromSeconds(5), () => done.Add(time.Elapsed));
        time.Worked(TimeSpan.FromSeconds(4));
        Assert.Equal(4, time.Elapsed.TotalSeconds);
        time.Worked(TimeSpan.FromSeconds(4));

        Assert.Equal(8, Take(done).TotalSeconds);
        time.End();
    }

    [Fact(DisplayName = "Who blocks at work lets time pass, and is at work again afterwards")]
    public void Should_pass_while_all_wait()
    {
        using var time = new ControlledTime();
        time.Begin();
        time.Block(TimeSpan.FromDays(1), isAtWork: true);

        Assert.Equal(1, time.Elapsed.TotalDays);
        time.End();
    }

    [Fact(DisplayName = "A node's clock of the day can be set, and timestamps go on")]
    public void Should_set_a_clock()
    {
        using var time = new ControlledTime();
        var node = new NodeTime(time);
        var before = node.GetTimestamp();
        node.Jump(TimeSpan.FromHours(-3));

        Assert.Equal(time.GetUtcNow() - TimeSpan.FromHours(3), node.GetUtcNow());
        Assert.Equal(before, node.GetTimestamp());
    }

    [Fact(DisplayName = "An actor's timers run by it: an hour passes while nothing else happens")]
    public async Task Should_drive_actors()
    {
        using var time = new ControlledTime();
        var (hocon, end) = ControlledScheduler.For(time);
        using var registered = end;
        using var system = ActorSystem.Create("timed", hocon);
        var heard = new TaskCompletionSource<TimeSpan>(TaskCreationOptions.RunContinuationsAsynchronously);
        system.ActorOf(Props.Create(() => new Sleeper(time, heard)));

        Assert.Equal(3, (await heard.Task.WaitAsync(Long)).TotalHours);
        await system.Terminate();
    }

    private static T Take<T>(BlockingCollection<T> done) => done.TryTake(out var item, Long) ? item : throw new TimeoutException("no timer ran");

    /// <summary>Hears the third tick of an hour.</summary>
    private sealed class Sleeper : ReceiveActor, IWithTimers
    {
        private readonly ControlledTime _time;

        public Sleeper(ControlledTime time, TaskCompletionSource<TimeSpan> heard)
        {
            _time = time;
            var ticks = 0;
            Receive<string>(_ =>
            {
                if (++ticks == 3)
                {
                    heard.SetResult(_time.Elapsed);
                }
            });
        }

        public ITimerScheduler Timers { get; set; } = null!;

        protected override void PreStart() => Timers.StartPeriodicTimer("tick", "tick", TimeSpan.FromHours(1));
    }
}
