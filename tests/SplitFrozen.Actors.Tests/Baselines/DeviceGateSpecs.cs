using System.Buffers;
using System.Runtime.InteropServices;

using SplitFrozen.Actors.Baselines;
using SplitFrozen.Actors.Channel;
using SplitFrozen.Actors.Training;
using SplitFrozen.Domain.Models;
using SplitFrozen.Protocol;

using Xunit;

namespace SplitFrozen.Actors.Tests.Baselines;

/// <summary>What of a device that trains is let in.</summary>
public sealed class DeviceGateSpecs
{
    private static readonly StageState Template = new([Tensor("a", 1, 2), Tensor("b", 3)], [Tensor("a", 5, 6), Tensor("step", 1)]);

    [Fact(DisplayName = "A state that was asked for is put together from its tensors; those that did not change may be left out")]
    public void Should_take_a_state()
    {
        var gate = new DeviceGate(Rules(TaskKind.Classification));
        gate.AllowState(Template, notes: 2);
        var parcel = Assert.IsType<Parcel>(Send(gate, new Parcel(ParcelKind.State, 7, [0.5, double.NaN], [Tensor("b", 4)], Template.Optimizer)));

        Assert.Equal(7, parcel.Number);
        Assert.Equal([0.5, double.NaN], parcel.Notes);
        Assert.Equal(["b"], parcel.Adapter.Select(t => t.Name));
        Assert.Equal(["a", "step"], parcel.Optimizer.Select(t => t.Name));
        Assert.Equal([1f, 2f, 4f], Parcel.Whole(parcel.Adapter, Template.Adapter).SelectMany(t => MemoryMarshal.Cast<byte, float>(t.Bytes.Span).ToArray()));
        Assert.Equal(["b"], Parcel.Changed([Template.Adapter[0], Tensor("b", 4)], Template.Adapter).Select(t => t.Name));
    }

    [Theory(DisplayName = "Tensors of other names, sizes or numbers than the device was given are refused")]
    [InlineData("notes of another number", FrameFault.BadSizes)]
    [InlineData("unknown name", FrameFault.BadSizes)]
    [InlineData("other shape", FrameFault.BadSizes)]
    [InlineData("adapter as optimiser", FrameFault.BadSizes)]
    [InlineData("twice", FrameFault.BadHeader)]
    [InlineData("more than there are", FrameFault.BadSizes)]
    [InlineData("not finite", FrameFault.NotFinite)]
    [InlineData("a residual", FrameFault.BadHeader)]
    public void Should_refuse_bad_states(string what, FrameFault fault)
    {
        var gate = new DeviceGate(Rules(TaskKind.Classification));
        gate.AllowState(Template, notes: 0);
        var sound = new Parcel(ParcelKind.State, 0, [], [Tensor("b", 1)], []);
        var parcel = what switch
        {
            "notes of another number" => sound with { Notes = [1] },
            "unknown name" => sound with { Adapter = [Tensor("c", 1)] },
            "other shape" => sound with { Adapter = [Tensor("b", 1, 2)] },
            "adapter as optimiser" => sound with { Adapter = [], Optimizer = [Tensor("b", 1)] },
            "twice" => sound with { Adapter = [Tensor("b", 1), Tensor("b", 1)] },
            "more than there are" => sound with { Adapter = [.. Enumerable.Repeat(Tensor("b", 1), 5)] },
            "not finite" => sound with { Adapter = [Tensor("b", float.PositiveInfinity)] },
            _ => sound with { Kind = ParcelKind.Residual },
        };

        Assert.Equal(fault, Assert.Throws<FrameException>(() => Send(gate, parcel)).Fault);
    }

    [Fact(DisplayName = "Nothing is taken that was not asked for, and each state and micro-batch once")]
    public void Should_refuse_what_was_not_asked_for()
    {
        var gate = new DeviceGate(Rules(TaskKind.Classification));
        gate.AllowState(Template, notes: 0);
        gate.AllowRows(1);
        var state = new Parcel(ParcelKind.State, 0, [], Template.Adapter, []);

        Assert.NotNull(Send(gate, state));
        Assert.Equal(FrameFault.NotGranted, Assert.Throws<FrameException>(() => Send(gate, state)).Fault);
        Assert.NotNull(gate.Take(Rows([2, 3], [0, 1])));
        Assert.Equal(FrameFault.NotGranted, Assert.Throws<FrameException>(() => gate.Take(Rows([2, 3], [0, 1]))).Fault);
    }

    [Theory(DisplayName = "Rows beyond the run's sizes, or with targets out of range, are refused")]
    [InlineData(TaskKind.Classification, new[] { 2, 9 }, new[] { 0, 1 }, FrameFault.BadHeader)]
    [InlineData(TaskKind.Classification, new[] { 1, 1, 1 }, new[] { 0, 1, 0 }, FrameFault.BadSizes)]
    [InlineData(TaskKind.Classification, new[] { 2, 3 }, new[] { 0, 4 }, FrameFault.BadHeader)]
    [InlineData(TaskKind.Classification, new[] { 2, 3 }, new[] { 0, -100 }, FrameFault.BadHeader)]
    [InlineData(TaskKind.Classification, new[] { 2, 3 }, new[] { 0 }, FrameFault.BadHeader)]
    [InlineData(TaskKind.LanguageModel, new[] { 2, 1 }, new[] { 0, 1 }, FrameFault.BadHeader)]
    public void Should_refuse_bad_rows(TaskKind task, int[] lengths, int[] targets, FrameFault fault)
    {
        var gate = new DeviceGate(Rules(task));
        gate.AllowRows(1);

        Assert.Equal(fault, Assert.Throws<FrameException>(() => gate.Take(Rows(lengths, targets))).Fault);
    }

    [Fact(DisplayName = "Targets of language modelling are one a row, and may be none")]
    public void Should_take_rows_of_language_modelling()
    {
        var gate = new DeviceGate(Rules(TaskKind.LanguageModel));
        gate.AllowRows(1);

        Assert.IsType<StageRows>(gate.Take(Rows([2, 1], [3, Target.Ignored, 0])));
    }

    private static RowRules Rules(TaskKind task) => new(MaxLength: 8, MicroBatch: 2, task, TargetLimit: 4);

    private static object? Send(DeviceGate gate, Parcel parcel) => parcel.Frames().Select(gate.Take).ToList()[^1];

    private static TensorData Tensor(string name, params float[] values) => new(name, [values.Length], MemoryMarshal.AsBytes<float>(values).ToArray());

    private static StageFrame.RowsFor Rows(int[] lengths, int[] targets)
    {
        var rented = ArrayPool<float>.Shared.Rent(lengths.Sum());
        return new StageFrame.RowsFor(0, new StageRows(
            0, RowsKind.Activations, new MicroBatchId(0, 0), new ActivationBatch(rented.AsMemory(0, lengths.Sum()), lengths, targets, new long[lengths.Length]), rented));
    }
}
