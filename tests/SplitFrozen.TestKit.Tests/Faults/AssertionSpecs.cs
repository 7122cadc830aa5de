using SplitFrozen.Actors.Channel;
using SplitFrozen.Domain.Models;
using SplitFrozen.TestKit.Cluster;
using SplitFrozen.TestKit.Faults;
using SplitFrozen.TestKit.StandIn;

using Xunit;

namespace SplitFrozen.TestKit.Tests.Faults;

/// <summary>The assertions fail where they are to, and tell what replays the run.</summary>
[Collection(RunCollection.Name)]
public sealed class AssertionSpecs
{
    [Fact(DisplayName = "A run whose devices compute something else than the reference does not match it, and the failure names the seed")]
    public async Task Should_notice_other_losses()
    {
        // The reference is computed when it is first asked for, after the run.
        var isReference = false;
        var model = new Replaced(new StandInModel(), () => new StandInModel(seed: Volatile.Read(ref isReference) ? 1 : 9));
        var run = await TestCluster.RunAsync(new TestClusterOptions { Model = model, Faults = FaultPlan.Random(3, faults: 1) });
        Volatile.Write(ref isReference, true);
        var error = Assert.Throws<FaultRunException>(() => run.ShouldMatchFaultFreeRun());

        Assert.Contains("without faults", error.Message, StringComparison.Ordinal);
        Assert.Contains("FaultPlan.Random(3, devices: 2, faults: 1, servers: 1) replays it", error.Message, StringComparison.Ordinal);
        run.ShouldBeExactlyOnce();
    }

    [Fact(DisplayName = "What was not refused, and what did not strike, is told")]
    public async Task Should_notice_what_did_not_happen()
    {
        var never = new FaultRule(FaultPoint.Channel, FaultKind.Delay, 10_000);
        var run = await TestCluster.RunAsync(new TestClusterOptions { Faults = FaultPlan.Script(never) });

        Assert.Contains("0 frames were refused as BadChecksum", Assert.Throws<FaultRunException>(() => run.ShouldHaveRefused(FrameFault.BadChecksum)).Message, StringComparison.Ordinal);
        Assert.Contains("0 control messages", Assert.Throws<FaultRunException>(() => run.ShouldHaveRefusedMessages()).Message, StringComparison.Ordinal);
        Assert.Contains("Channel Delay at 10000", Assert.Throws<FaultRunException>(() => run.ShouldHaveStruck()).Message, StringComparison.Ordinal);
        run.ShouldHoldInvariants();
    }

    [Fact(DisplayName = "A run that fails tells its plan with the reason")]
    public async Task Should_tell_the_plan_of_a_run_that_fails()
    {
        var lost = new FaultRule(FaultPoint.ToServer, FaultKind.Drop, 0) { Message = "Greeted", Times = 1000 };
        var error = await Assert.ThrowsAsync<FaultRunException>(() => TestCluster.RunAsync(
            new TestClusterOptions { Faults = FaultPlan.Script(lost), Settings = ["splitfrozen.start.limit=2s"] }));

        Assert.Contains("Only 0 of 2 devices joined within 2 s", error.Message, StringComparison.Ordinal);
        Assert.Contains("ToServer Drop at 0 x1000 of Greeted", error.Message, StringComparison.Ordinal);
    }

    /// <summary>A model whose frozen part is another one for some who load it.</summary>
    private sealed class Replaced(StandInModel model, Func<StandInModel> next) : IModelSource
    {
        public string Name => model.Name;

        public ModelShape Shape => model.Shape;

        public string Fingerprint => model.Fingerprint;

        public IFrozenBlocks LoadFrozen(int blocks) => next().LoadFrozen(blocks);

        public ITrainerStage LoadTrainer(TrainerSpec spec) => model.LoadTrainer(spec);

        public void SaveAdapter(string folder, TrainerSpec spec, IReadOnlyList<TensorData> tensors) => model.SaveAdapter(folder, spec, tensors);

        public IReadOnlyList<TensorData> ReadAdapter(string folder, TrainerSpec spec) => model.ReadAdapter(folder, spec);

        public void SaveOptimizer(string file, IReadOnlyList<TensorData> tensors) => model.SaveOptimizer(file, tensors);

        public IReadOnlyList<TensorData> ReadOptimizer(string file) => model.ReadOptimizer(file);
    }
}
