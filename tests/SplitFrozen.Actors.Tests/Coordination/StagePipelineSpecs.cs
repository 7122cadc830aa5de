using SplitFrozen.Actors.Coordination;
using SplitFrozen.Actors.Training;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Domain.Scheduling;
using SplitFrozen.Protocol.Messages;

using Xunit;

namespace SplitFrozen.Actors.Tests.Coordination;

/// <summary>The trainer stages as the coordinator sees them.</summary>
public sealed class StagePipelineSpecs : Akka.TestKit.Xunit2.TestKit
{
    [Fact(DisplayName = "Stages whose links break before they were first up are set back when they are, and what waited for them begins")]
    public void Should_begin_after_links_broke_at_the_start()
    {
        var pipeline = new StagePipeline(ScheduleKind.ZbH1, stages: 2, pendingWeights: 0, new RunClock(stages: 2), new StageVault(), (_, _, _) => { }, (_, _) => { }, _ => { });
        var probes = new[] { CreateTestProbe(), CreateTestProbe() };
        for (var stage = 0; stage < 2; stage++)
        {
            pipeline.On(new StageEvents.Loaded(stage, pipeline.Generation, 1), probes[stage].Ref);
        }

        pipeline.Suspend([]);
        pipeline.Up();
        TargetScore? score = null;
        pipeline.Score([], (of, _) => score = of);
        Assert.Null(score);

        for (var stage = 0; stage < 2; stage++)
        {
            Assert.Equal(new StageCommands.Reset(1, 0), probes[stage].ExpectMsg<StageCommands.Reset>());
            pipeline.On(new StageEvents.ResetDone(stage, 1), probes[stage].Ref);
        }

        Assert.NotNull(score);
    }
}
