using System.Collections.Concurrent;

using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Domain.Scheduling;
using SplitFrozen.TestKit.Faults;
using SplitFrozen.TestKit.StandIn;

using Xunit;

namespace SplitFrozen.Actors.Tests.Cluster;

/// <summary>Trainer stages on one server node: order, memory, equality with one stage, faults.</summary>
[Collection(ClusterCollection.Name)]
public sealed class StageSpecs
{
    private static readonly string[] Common = ["splitfrozen.model.cut=2", "splitfrozen.training.micro-batch-size=3"];

    [Theory(DisplayName = "Stages in any order give the losses, scores and adapter bytes of one stage")]
    [InlineData(2, "zb-h1", 0)]
    [InlineData(4, "zb-h1", 0)]
    [InlineData(4, "zb-h1", 2)]
    [InlineData(3, "1f1b", 0)]
    [InlineData(2, "gpipe", 0)]
    [InlineData(4, "sequential", 0)]
    public async Task Should_equal_one_stage(int stages, string schedule, int pending)
    {
        var calls = new ConcurrentQueue<StageCall>();
        using var run = Run(calls.Enqueue, $"splitfrozen.pipeline.stages={stages}", $"splitfrozen.pipeline.schedule={schedule}", $"splitfrozen.pipeline.pending-w={pending}");
        using var loop = Run(_ => { });
        var summary = await run.OnClusterAsync();
        var reference = loop.InOneProcess();

        Assert.Equal(loop.Losses, run.Losses);
        Assert.Equal(loop.AdapterBytes(), run.AdapterBytes());
        Assert.Equal(reference.TrainableParameters, summary.TrainableParameters);
        Assert.Equal((reference.AccuracyAfter, reference.LossAfter, reference.ValidationAccuracy), (summary.AccuracyAfter, summary.LossAfter, summary.ValidationAccuracy));
        Assert.Equal(Score(loop), Score(run));
        AssertOrder(calls, stages, schedule, pending);
    }

    [Theory(DisplayName = "A stage that fails is started again and the global batch done again from the last step: the same adapter bytes")]
    [InlineData("F", 5)]
    [InlineData("B", 20)]
    [InlineData("W", 33)]
    [InlineData("Step", 4)]
    [InlineData("Evaluate", 3)]
    public async Task Should_continue_after_a_fault(string operation, int call)
    {
        var calls = 0;
        using var run = Run(
            c =>
            {
                if (c.Blocks.From == 4 && c.Operation == operation && Interlocked.Increment(ref calls) == call)
                {
                    throw new InvalidDataException("out of luck");
                }
            },
            "splitfrozen.pipeline.stages=3", "splitfrozen.training.checkpoint-steps=5");
        using var loop = Run(_ => { });
        var summary = await run.OnClusterAsync();
        loop.InOneProcess();

        Assert.Equal(1, Assert.Single(run.Events.OfType<RunEvent.StageProblem>()).Stage);
        Assert.Equal(summary.SamplesExpected, summary.SamplesTrained);
        Assert.Equal(loop.Losses, run.Losses);
        Assert.Equal(loop.AdapterBytes(), run.AdapterBytes());
    }

    [Fact(DisplayName = "A stage that fails in the same place again and again ends the run, with what was trained")]
    public async Task Should_give_up_in_the_end()
    {
        var steps = 0;
        using var run = Run(
            c =>
            {
                if (c is { Blocks.From: 2, Operation: "Step" } && Interlocked.Increment(ref steps) > 3)
                {
                    throw new InvalidDataException("out of luck");
                }
            },
            "splitfrozen.pipeline.stages=2");
        var error = await Assert.ThrowsAsync<RunFailedException>(() => run.OnClusterAsync());

        Assert.Equal(RunFailure.Broken, error.Failure);
        Assert.Contains("Stage 0 failed 4 times at step 3: out of luck", error.Message, StringComparison.Ordinal);
        Assert.EndsWith("step-00000003", Assert.Single(Directory.GetDirectories(run.Paths.Checkpoints)), StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(run.Paths.Adapter, "adapter_model.safetensors")));
    }

    [Fact(DisplayName = "A stage that cannot be loaded is the user's error where its message says so")]
    public async Task Should_pass_on_what_is_wrong_with_the_model()
    {
        using var run = Run(
            c =>
            {
                if (c is { Blocks.From: 4, Operation: "Load" })
                {
                    throw new Domain.UserErrorException("splitfrozen.lora.targets names no module.");
                }
            },
            "splitfrozen.pipeline.stages=2");
        var error = await Assert.ThrowsAsync<Domain.UserErrorException>(() => run.OnClusterAsync());
        Assert.Contains("splitfrozen.lora.targets", error.Message, StringComparison.Ordinal);
    }

    /// <summary>The final score with its confusions, whatever it is written to.</summary>
    private static TargetScore Score(StandInRun run) => run.Events.OfType<RunEvent.Evaluated>().Last(e => e.Name == "after").Score;

    private static StandInRun Run(Action<StageCall> before, params string[] settings) => new([.. Common, .. settings])
    {
        Model = new InterceptedModel(new StandInModel(layers: 6), before),
    };

    /// <summary>Each stage ran its static list in every global batch, held no more than its bound, and stepped after every W.</summary>
    private static void AssertOrder(IEnumerable<StageCall> calls, int stages, string schedule, int pending)
    {
        var kind = ScheduleKinds.Find(schedule)!.Value;
        foreach (var (stage, range) in new BlockRange(2, 6).Cut(stages).Index())
        {
            var batch = new List<string>();
            foreach (var call in calls.Where(c => c.Blocks == range && c.Operation is "F" or "B" or "W" or "Step" && c.Blocks == range))
            {
                if (call.Operation != "Step")
                {
                    batch.Add($"{call.Operation}{call.MicroBatch}");
                    continue;
                }

                var expected = PipelineSchedule.Create(kind, stages, batch.Count / 3);
                Assert.Equal(0, call.InFlight);
                Assert.Equal(expected.Stages[stage].Select(o => o.ToString()).Order(), batch.Order());
                if (pending == 0)
                {
                    Assert.Equal(expected.Stages[stage].Select(o => o.ToString()), batch);
                }

                batch.Clear();
            }

            var bound = PipelineSchedule.Create(kind, stages, 6).MemoryBound + pending;
            Assert.All(calls.Where(c => c.Blocks == range && c.Operation == "F"), c => Assert.InRange(c.InFlight, 0, bound - 1));
        }
    }
}
