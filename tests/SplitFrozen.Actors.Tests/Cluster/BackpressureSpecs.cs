using SplitFrozen.Domain.Runs;
using SplitFrozen.TestKit.Faults;
using SplitFrozen.TestKit.StandIn;

using Xunit;

namespace SplitFrozen.Actors.Tests.Cluster;

/// <summary>A slow trainer slows the devices.</summary>
[Collection(ClusterCollection.Name)]
public sealed class BackpressureSpecs
{
    private const int BatchSize = 16;
    private const int GrantBatches = 2;
    private const int Window = 2;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(180);

    [Theory(DisplayName = "While the trainer stalls, devices run what the window allows and no more; samples in flight never exceed it")]
    [InlineData(0)]
    [InlineData(5)]
    public async Task Should_stop_granting_while_the_trainer_stalls(int step)
    {
        var stalled = new ManualResetEventSlim();
        var filled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var (steps, embedded, most, isTraining, isStalling) = (0, 0, 0, false, false);
        var allowed = ((step / GrantBatches) + Window) * GrantBatches * BatchSize;
        void Embedding(int blocks, int samples)
        {
            // Devices load one block at first, the server all frozen ones; before training devices measure themselves.
            if (blocks != 1 || !Volatile.Read(ref isTraining))
            {
                return;
            }

            var now = Interlocked.Add(ref embedded, samples);
            if (now >= allowed)
            {
                filled.TrySetResult();
            }

            if (Volatile.Read(ref isStalling))
            {
                most = Math.Max(most, now);
            }
        }

        using var run = new StandInRun($"splitfrozen.pipeline.window={Window}", "splitfrozen.nodes=[{ name = one }]", "splitfrozen.model.cut=2", "splitfrozen.training.epochs=4")
        {
            Model = new InterceptedModel(new StandInModel(layers: 4), call =>
            {
                if (call.Operation == "Step")
                {
                    steps++;
                }
                else if (call.Operation == "F" && steps == step && !stalled.IsSet)
                {
                    Volatile.Write(ref isStalling, true);
                    Assert.True(stalled.Wait(Limit));
                    Volatile.Write(ref isStalling, false);
                }
            })
            {
                Embedding = Embedding,
            },
            OnEvent = e => Volatile.Write(ref isTraining, Volatile.Read(ref isTraining) || e is RunEvent.TrainingStarted),
        };
        var ended = run.OnClusterAsync();
        await filled.Task.WaitAsync(Limit);
        Assert.Equal(allowed, Volatile.Read(ref embedded));
        stalled.Set();
        await ended.WaitAsync(Limit);

        Assert.InRange(most, 0, allowed);
        Assert.All(run.Events.OfType<RunEvent.StepDone>(), s => Assert.InRange(s.InFlightSamples, 0, Window * GrantBatches * BatchSize));
    }
}
