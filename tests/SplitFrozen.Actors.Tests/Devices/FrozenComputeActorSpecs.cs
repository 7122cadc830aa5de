using System.Diagnostics;

using Akka.Actor;

using SplitFrozen.Actors.Channel;
using SplitFrozen.Actors.Devices;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Models;
using SplitFrozen.Protocol;
using SplitFrozen.TestKit.StandIn;

using Xunit;

namespace SplitFrozen.Actors.Tests.Devices;

/// <summary>A node's blocks: read in the background, kept as long as a unit may need them, and measured by what they take.</summary>
public sealed class FrozenComputeActorSpecs : Akka.TestKit.Xunit2.TestKit
{
    private static readonly DeviceId Phone = new("phone");
    private static readonly DeviceId Board = new("board");
    private readonly SlowReading _model = new();
    private readonly NodeGauge _gauge = new(0.5, 10_000, 1000);

    [Fact(DisplayName = "Units go on with the layers that are there while more are read")]
    public void Should_compute_while_reading()
    {
        var compute = Start();
        compute.Tell(new FrozenComputeActor.Hold(Phone, new AllocationEpoch(1), 3));
        Assert.True(_model.Begun.Wait(TimeSpan.FromSeconds(10)));
        compute.Tell(Unit(1));
        ExpectMsg<FrozenComputeActor.Ran>().Unit.Dispose();

        _model.Gate.Set();
        Assert.Equal(new FrozenComputeActor.Held(new AllocationEpoch(1), 3), ExpectMsg<FrozenComputeActor.Held>());
        compute.Tell(Unit(3));
        ExpectMsg<FrozenComputeActor.Ran>().Unit.Dispose();
    }

    [Fact(DisplayName = "Layers are dropped when the device says that it uses fewer, not before")]
    public void Should_keep_layers_for_units_on_their_way()
    {
        _model.Gate.Set();
        var compute = Start();
        Hold(compute, Phone, 1, 4);
        Hold(compute, Phone, 2, 1);
        compute.Tell(Unit(4));
        ExpectMsg<FrozenComputeActor.Ran>().Unit.Dispose();

        compute.Tell(new FrozenComputeActor.Use(Phone, new AllocationEpoch(2)));
        compute.Tell(Unit(1));
        ExpectMsg<FrozenComputeActor.Ran>().Unit.Dispose();
        Assert.Equal(9000, _gauge.Current.FreeMemoryBytes);
    }

    [Fact(DisplayName = "Word of an older allocation does not take away the layers of a newer one")]
    public void Should_keep_what_was_promised()
    {
        _model.Gate.Set();
        var compute = Start();
        Hold(compute, Phone, 1, 2);
        Hold(compute, Phone, 2, 4);
        compute.Tell(new FrozenComputeActor.Use(Phone, new AllocationEpoch(1)));
        compute.Tell(Unit(4));
        ExpectMsg<FrozenComputeActor.Ran>().Unit.Dispose();
    }

    [Fact(DisplayName = "An order that a newer one overtakes is not answered")]
    public void Should_answer_the_newest_order_only()
    {
        var compute = Start();
        compute.Tell(new FrozenComputeActor.Hold(Phone, new AllocationEpoch(1), 4));
        Assert.True(_model.Begun.Wait(TimeSpan.FromSeconds(10)));
        Hold(compute, Phone, 2, 1);
        _model.Gate.Set();

        // The device of the node that needs the blocks next finds them there.
        Hold(compute, Board, 3, 4);
        ExpectNoMsg(TimeSpan.Zero);
    }

    [Fact(DisplayName = "The blocks of a node are those of its strongest device, and free memory is what they leave")]
    public void Should_share_blocks()
    {
        _model.Gate.Set();
        var compute = Start();
        Hold(compute, Phone, 1, 3);
        Hold(compute, Board, 1, 2);
        compute.Tell(new FrozenComputeActor.Use(Phone, new AllocationEpoch(1)));
        compute.Tell(new FrozenComputeActor.Use(Board, new AllocationEpoch(1)));
        compute.Tell(new FrozenComputeActor.Drop(Phone));
        compute.Tell(Unit(2));
        ExpectMsg<FrozenComputeActor.Ran>().Unit.Dispose();

        Assert.Equal(8000, _gauge.Current.FreeMemoryBytes);
    }

    [Fact(DisplayName = "Every unit measures the node anew: under an emulated profile what the profile allows, also after its rate has changed")]
    public void Should_measure_every_unit()
    {
        _model.Gate.Set();
        var compute = Start(new NodeProfile("n", 0.1) { Changes = [new ProfileChange(TimeSpan.FromTicks(1), 0.01)] });
        compute.Tell(FrozenComputeActor.Measure.Instance);
        ExpectMsg<FrozenComputeActor.Measured>();
        Hold(compute, Phone, 1, 1);
        var before = _gauge.Current.LayerTokensPerSecond;
        for (var unit = 0; unit < 20; unit++)
        {
            compute.Tell(Unit(1));
            ExpectMsg<FrozenComputeActor.Ran>().Unit.Dispose();
        }

        Assert.InRange(_gauge.Current.LayerTokensPerSecond, 1, before / 5);
    }

    private IActorRef Start(NodeProfile? profile = null) =>
        Sys.ActorOf(Props.Create(() => new FrozenComputeActor(_model, profile ?? new NodeProfile("n", null), _gauge)));

    private void Hold(IActorRef compute, DeviceId device, int epoch, int layers)
    {
        compute.Tell(new FrozenComputeActor.Hold(device, new AllocationEpoch(epoch), layers));
        Assert.Equal(new FrozenComputeActor.Held(new AllocationEpoch(epoch), layers), ExpectMsg<FrozenComputeActor.Held>());
    }

    private static FrozenComputeActor.Run Unit(int depth)
    {
        var header = new UnitHeader(Phone, new Incarnation(1), new AllocationEpoch(1), new GrantId(0, 0), 0, depth, 8, [0, 1], [3, 2], [0, 0]);
        return new FrozenComputeActor.Run(new ActivationUnit(header), [1, 2, 3, 4, 5], Stopwatch.GetTimestamp());
    }

    /// <summary>The stand-in model, whose blocks can be read when the gate is open.</summary>
    private sealed class SlowReading : IModelSource
    {
        private readonly StandInModel _inner = new(layers: 6);

        public ManualResetEventSlim Begun { get; } = new();

        public ManualResetEventSlim Gate { get; } = new();

        public string Name => _inner.Name;

        public ModelShape Shape => _inner.Shape;

        public string Fingerprint => _inner.Fingerprint;

        public IFrozenBlocks LoadFrozen(int blocks) => new Blocks(this, _inner.LoadFrozen(blocks));

        public ITrainerStage LoadTrainer(TrainerSpec spec) => _inner.LoadTrainer(spec);

        public void SaveAdapter(string folder, TrainerSpec spec, IReadOnlyList<TensorData> tensors) => _inner.SaveAdapter(folder, spec, tensors);

        public IReadOnlyList<TensorData> ReadAdapter(string folder, TrainerSpec spec) => _inner.ReadAdapter(folder, spec);

        public void SaveOptimizer(string file, IReadOnlyList<TensorData> tensors) => _inner.SaveOptimizer(file, tensors);

        public IReadOnlyList<TensorData> ReadOptimizer(string file) => _inner.ReadOptimizer(file);

        private sealed class Blocks(SlowReading owner, IFrozenBlocks inner) : IFrozenBlocks
        {
            public int Width => inner.Width;

            int IFrozenBlocks.Blocks => inner.Blocks;

            public long WeightBytes => inner.WeightBytes;

            public void Resize(int blocks) => inner.Resize(blocks);

            public IDisposable Read(int from, int to)
            {
                owner.Begun.Set();
                return owner.Gate.Wait(TimeSpan.FromSeconds(20)) ? inner.Read(from, to) : throw new TimeoutException("The gate was not opened.");
            }

            public void Append(IDisposable blocks) => inner.Append(blocks);

            public void Embed(ReadOnlySpan<int> tokens, ReadOnlySpan<int> lengths, int depth, Span<float> output)
            {
                Assert.True(depth <= inner.Blocks, $"depth {depth} of {inner.Blocks} blocks");
                inner.Embed(tokens, lengths, depth, output);
            }

            public void Continue(ReadOnlySpan<float> input, ReadOnlySpan<int> lengths, int from, int to, Span<float> output) =>
                inner.Continue(input, lengths, from, to, output);

            public void Dispose() => inner.Dispose();
        }
    }
}
