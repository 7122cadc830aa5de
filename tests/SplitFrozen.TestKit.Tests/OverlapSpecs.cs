using SplitFrozen.Domain.Runs;
using SplitFrozen.TestKit.Cluster;
using SplitFrozen.TestKit.Faults;
using SplitFrozen.TestKit.StandIn;

using Xunit;

namespace SplitFrozen.TestKit.Tests;

/// <summary>What runs beside what, and what is told of the order of samples.</summary>
[Collection(RunCollection.Name)]
public sealed class OverlapSpecs
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    [Fact(DisplayName = "The server completes units of weak devices while the trainer runs")]
    public async Task Should_catch_up_beside_training()
    {
        using var training = new ManualResetEventSlim();
        using var caughtUp = new ManualResetEventSlim();
        var met = false;
        var forwards = 0;

        // The trainer's first forward operation does not end before a catch-up has begun after it.
        var model = new InterceptedModel(new StandInModel(layers: 4), call =>
        {
            if (call.Operation == "F" && Interlocked.Increment(ref forwards) == 1)
            {
                training.Set();
                met = caughtUp.Wait(Limit);
            }
        })
        {
            Continuing = (_, _) =>
            {
                if (training.IsSet)
                {
                    caughtUp.Set();
                }
            },
        };
        var run = await TestCluster.RunAsync(new TestClusterOptions
        {
            Model = model,
            Settings = ["splitfrozen.model.cut=2", "splitfrozen.allocation.policy=manual", "splitfrozen.allocation.manual.device-0=1", "splitfrozen.allocation.manual.device-1=1", "splitfrozen.pipeline.window=6"],
        });

        Assert.True(met, "no catch-up began while the trainer ran");
        run.ShouldBeExactlyOnce().ShouldMatchFaultFreeRun();
    }

    [Theory(DisplayName = "The alarm over the label mix sounds in each epoch whose devices are trained one after another, and not where samples are shuffled over all")]
    [InlineData("none", 2)]
    [InlineData("plan", 0)]
    public async Task Should_sound_the_alarm_over_unmixed_labels(string order, int alarms)
    {
        var run = await TestCluster.RunAsync(new TestClusterOptions
        {
            Settings = [
                $"splitfrozen.training.order={order}", "splitfrozen.data.partition=pathological", "splitfrozen.data.labels-per-device=2", "splitfrozen.training.batch-size=6",
                "splitfrozen.training.micro-batch-size=6", "splitfrozen.training.checkpoint-steps=100"],
        });

        Assert.Equal(alarms, run.Events.OfType<RunEvent.LabelMixAlarm>().Count());
        Assert.All(run.Events.OfType<RunEvent.StepDone>(), s => Assert.NotNull(s.LabelDistance));
        run.ShouldBeExactlyOnce();
    }
}
