using Akka.Actor;

using SplitFrozen.Actors.Baselines;
using SplitFrozen.Domain.Runs;

using Xunit;

namespace SplitFrozen.Actors.Tests.Baselines;

/// <summary>What a method's run asks of the server's actor.</summary>
public sealed class RemoteServerSpecs
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Fact(DisplayName = "A run that waits for an actor that has ended is told, whenever it asked")]
    public async Task Should_not_wait_for_one_that_has_ended()
    {
        var over = new TaskCompletionSource();
        var server = new RemoteServer(ActorRefs.Nobody, over.Task);
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var waiting = Task.Run(() => server.Ask<int>(done =>
        {
            asked.SetResult();
            return done;
        }));
        await asked.Task.WaitAsync(Limit);
        over.SetResult();

        Assert.Equal(RunFailure.Broken, (await Assert.ThrowsAsync<RunFailedException>(() => waiting.WaitAsync(Limit))).Failure);
        Assert.Throws<RunFailedException>(() => server.Ask<int>(done => done));
    }

    [Fact(DisplayName = "An answer that came is an answer, also where the actor has ended since")]
    public void Should_take_an_answer()
    {
        var server = new RemoteServer(ActorRefs.Nobody, Task.CompletedTask);
        Assert.Equal(7, server.Ask<int>(done =>
        {
            done.SetResult(7);
            return done;
        }));
    }
}
