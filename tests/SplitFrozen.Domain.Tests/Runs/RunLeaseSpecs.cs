using Microsoft.Extensions.Time.Testing;

using SplitFrozen.Domain.Runs;

using Xunit;

namespace SplitFrozen.Domain.Tests.Runs;

/// <summary>Who may write to a run's folder.</summary>
public sealed class RunLeaseSpecs : IDisposable
{
    private const double Seconds = 10;

    private readonly RunPaths _paths = new(Directory.CreateTempSubdirectory("splitfrozen-lease-").FullName);
    private readonly FakeTimeProvider _clock = new();

    [Fact(DisplayName = "Who comes first holds the lease, and keeps it as long as it is renewed")]
    public void Should_keep_a_renewed_lease()
    {
        using var active = Lease("active");
        using var standby = Lease("standby");

        Assert.Equal(LeaseState.Free, standby.Look().State);
        Assert.True(active.TryTake());
        for (var renewal = 0; renewal < 5; renewal++)
        {
            Assert.False(standby.TryTake());
            Assert.Equal((LeaseState.Held, "active", false), Seen(standby));
            _clock.Advance(TimeSpan.FromSeconds(Seconds * 0.9));
            Assert.True(active.Renew());
        }

        active.Require();
        Assert.Equal((LeaseState.Held, "active", true), Seen(active));
        Assert.Equal(1, active.Token);
        Assert.Null(standby.Token);
    }

    [Fact(DisplayName = "A lease that is not renewed runs out by the clock of who waits, counted from when it looked first")]
    public void Should_run_out()
    {
        using var active = Lease("active");
        using var standby = Lease("standby");
        active.TryTake();
        _clock.Advance(TimeSpan.FromSeconds(1000));

        Assert.Equal(LeaseState.Held, standby.Look().State);
        _clock.Advance(TimeSpan.FromSeconds(Seconds - 0.1));
        Assert.False(standby.TryTake());
        _clock.Advance(TimeSpan.FromSeconds(0.1));
        Assert.Equal(LeaseState.Expired, standby.Look().State);
        Assert.True(standby.TryTake());
        Assert.Equal(2, standby.Token);
        Assert.True(standby.IsHeld);
    }

    [Fact(DisplayName = "A holder that was stopped and wakes finds the lease gone before it writes, and says who has it and what that means")]
    public void Should_fence_a_former_holder()
    {
        using var active = Lease("active");
        using var standby = Lease("standby");
        active.TryTake();
        var gate = active.Gate;
        TakeOver(standby);

        Assert.False(active.IsHeld);
        Assert.False(Directory.Exists(gate));
        Assert.False(active.Lost.IsCancellationRequested);
        Assert.False(active.Renew());
        Assert.True(active.Lost.IsCancellationRequested);
        Assert.False(active.TryTake());
        var error = Assert.Throws<RunFailedException>(active.Require);
        Assert.Equal(RunFailure.TakenOver, error.Failure);
        Assert.Contains("(standby)", error.Message, StringComparison.Ordinal);
        Assert.Contains("did not renew its lease for 10 s (splitfrozen.server.lease)", error.Message, StringComparison.Ordinal);
        standby.Require();
    }

    [Fact(DisplayName = "What a former holder does late, renewing or giving up, changes nothing")]
    public void Should_ignore_a_former_holder()
    {
        using var active = Lease("active");
        using var standby = Lease("standby");
        active.TryTake();
        TakeOver(standby);
        active.Renew();
        active.Release();

        Assert.Equal((LeaseState.Held, "standby", true), Seen(standby));
        Assert.True(standby.Renew());
    }

    [Fact(DisplayName = "Of many who want a lease that is free or ran out exactly one gets it, and numbers go up by one")]
    public async Task Should_have_one_holder()
    {
        for (var round = 1; round <= 40; round++)
        {
            var contenders = Enumerable.Range(0, 4).Select(n => Lease($"server {n}")).ToList();
            contenders.ForEach(l => l.Look());
            _clock.Advance(TimeSpan.FromSeconds(Seconds));
            using var start = new Barrier(contenders.Count);
            var taken = await Task.WhenAll(contenders.Select(lease => Task.Factory.StartNew(
                () =>
                {
                    start.SignalAndWait();
                    return lease.TryTake();
                },
                CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)));

            Assert.Single(taken, t => t);
            var holder = Assert.Single(contenders, l => l.IsHeld);
            Assert.Equal(round, holder.Token);
            Assert.All(contenders.Where(l => l != holder), l => Assert.Null(l.Token));
            contenders.ForEach(l => l.Dispose());
        }
    }

    [Fact(DisplayName = "A lease that was given up in order is told from one that ran out, and can be taken by who resumes the run")]
    public void Should_tell_an_orderly_end()
    {
        using var active = Lease("active");
        using var next = Lease("next");
        active.TryTake();
        active.Release();

        Assert.Equal(LeaseState.Released, next.Look().State);
        _clock.Advance(TimeSpan.FromSeconds(Seconds * 2));
        Assert.Equal(LeaseState.Released, next.Look().State);
        Assert.True(next.TryTake());
        Assert.Equal(LeaseState.Held, next.Look().State);
    }

    [Theory(DisplayName = "A damaged lease file is named, with the remedy, and nobody takes the lease by it")]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("{}")]
    [InlineData("""{"Owner":"a","Holder":"b","Seconds":-1}""")]
    [InlineData(null)]
    public void Should_name_a_damaged_file(string? content)
    {
        using var active = Lease("active");
        using var standby = Lease("standby");
        active.TryTake();
        var file = Path.Combine(_paths.Lease, "00000001", "holder.json");
        if (content is null)
        {
            File.Delete(file);
        }
        else
        {
            File.WriteAllText(file, content);
        }

        _clock.Advance(TimeSpan.FromSeconds(Seconds * 2));
        var error = Assert.Throws<UserErrorException>(() => standby.TryTake());
        Assert.Contains(file, error.Message, StringComparison.Ordinal);
        Assert.Contains($"remove the folder {_paths.Lease}", error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(_paths.Lease, "00000002")));
    }

    [Fact(DisplayName = "A lease that is taken is renewed by itself, until it is disposed; then it runs out")]
    public void Should_renew_by_itself()
    {
        var time = TimeSpan.FromMilliseconds(250);
        var limit = TimeSpan.FromSeconds(20);
        using var standby = new RunLease(_paths, "standby", time, TimeProvider.System, isRenewed: false);
        using (var active = new RunLease(_paths, "active", time, TimeProvider.System))
        {
            active.TryTake();
            var file = Path.Combine(active.Gate, "holder.json");
            HashSet<DateTime> renewals = [];
            Assert.True(SpinWait.SpinUntil(() => renewals.Add(File.GetLastWriteTimeUtc(file)) && renewals.Count == 4, limit));
            Assert.Equal(LeaseState.Held, standby.Look().State);
        }

        Assert.True(SpinWait.SpinUntil(() => standby.Look().State == LeaseState.Expired, limit));
    }

    public void Dispose() => Directory.Delete(_paths.Folder, recursive: true);

    private static (LeaseState State, string Holder, bool IsOwn) Seen(RunLease lease)
    {
        var view = lease.Look();
        return (view.State, view.Holder, view.IsOwn);
    }

    private RunLease Lease(string holder) => new(_paths, holder, TimeSpan.FromSeconds(Seconds), _clock, isRenewed: false);

    private void TakeOver(RunLease by)
    {
        by.Look();
        _clock.Advance(TimeSpan.FromSeconds(Seconds));
        Assert.True(by.TryTake());
    }
}
