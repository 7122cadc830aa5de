using System.Buffers;
using System.Runtime.InteropServices;

using SplitFrozen.Actors.Channel;
using SplitFrozen.Actors.Training;
using SplitFrozen.Domain.Models;
using SplitFrozen.Protocol;

using Xunit;
using Xunit.Abstractions;

namespace SplitFrozen.Actors.Tests.Channel;

/// <summary>What travels between server nodes.</summary>
public sealed class StageFrameSpecs(ITestOutputHelper output)
{
    private const int Width = 8;
    private const int MostBytes = 1 << 16;
    private const int Seed = 20261126;
    private const int Mutations = 20_000;

    [Theory(DisplayName = "Rows arrive bit for bit, with what belongs to them")]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Should_carry_rows(int kind)
    {
        var sent = Rows((RowsKind)kind);
        var frame = Assert.IsType<StageFrame.RowsFor>(Read(Written(new StageFrame.RowsFor(3, sent))));

        Assert.Equal(3, frame.Stage);
        Assert.Equal((sent.Generation, sent.Kind, sent.Id), (frame.Rows.Generation, frame.Rows.Kind, frame.Rows.Id));
        Assert.Equal(sent.Batch.Lengths, frame.Rows.Batch.Lengths);
        Assert.Equal(sent.Batch.Targets, frame.Rows.Batch.Targets);
        Assert.Equal(kind == (int)RowsKind.Gradients ? [0, 0, 0] : sent.Batch.SampleKeys, frame.Rows.Batch.SampleKeys);
        Assert.Equal(MemoryMarshal.AsBytes(sent.Batch.Values.Span).ToArray(), MemoryMarshal.AsBytes(frame.Rows.Batch.Values.Span).ToArray());
    }

    [Fact(DisplayName = "A stage's state arrives as it was, tensor by tensor; one that a broken link left begun is dropped")]
    public void Should_carry_states()
    {
        var state = new StageState(
            [new TensorData("a", [2, 3], new byte[] { 1, 2, 3, 4, 5, 6 }), new TensorData("größe", [], new byte[] { 7 })], [new TensorData("step", [1], new byte[] { 9 })]);
        var frames = StateAssembly.Frames(2, 17, state).Select(f => (StageFrame.Tensor)Read(Written(f))!).ToList();
        var assembly = new StateAssembly();
        assembly.Add(frames[0]);

        Assert.Null(assembly.Add(frames[0]));
        Assert.Null(assembly.Add(frames[1]));
        var read = assembly.Add(frames[2])!;
        Assert.All(frames, f => Assert.Equal((2, 17), (f.Stage, f.Steps)));
        Assert.Equal(["a", "größe"], read.Adapter.Select(t => t.Name));
        Assert.Equal([2, 3], read.Adapter[0].Shape);
        Assert.Equal(state.Adapter[0].Bytes.ToArray(), read.Adapter[0].Bytes.ToArray());
        Assert.Equal("step", Assert.Single(read.Optimizer).Name);
    }

    [Fact(DisplayName = "Twenty thousand mutated frames are refused or keep to their sizes")]
    public void Should_survive_mutations()
    {
        output.WriteLine($"seed {Seed}");
        var random = new Random(Seed);
        byte[][] originals = [Written(new StageFrame.RowsFor(1, Rows(RowsKind.Activations))), Written(StateAssembly.Frames(0, 1, new StageState([new TensorData("t", [4], new byte[16])], [])).First())];
        var faults = new Dictionary<FrameFault, int>();
        for (var round = 0; round < Mutations; round++)
        {
            var frame = (byte[])originals[round % 2].Clone();
            for (var change = random.Next(1, 4); change > 0; change--)
            {
                frame[random.Next(random.Next(2) == 0 ? StageFrameLayout.FixedBytes : frame.Length)] = (byte)random.Next(256);
            }

            try
            {
                Read(random.Next(8) == 0 ? frame[..random.Next(1, frame.Length)] : frame);
            }
            catch (FrameException e)
            {
                faults[e.Fault] = faults.GetValueOrDefault(e.Fault) + 1;
            }
        }

        output.WriteLine(string.Join(", ", faults.Select(f => $"{f.Value} {f.Key}")));
        Assert.All(
            [FrameFault.NotAFrame, FrameFault.OtherVersion, FrameFault.BadSizes, FrameFault.BadChecksum, FrameFault.Truncated],
            fault => Assert.Contains(fault, faults.Keys));
    }

    [Fact(DisplayName = "Rows that are no numbers are refused")]
    public void Should_refuse_what_is_not_finite()
    {
        var rows = Rows(RowsKind.Gradients);
        rows.Rented[5] = float.NaN;
        Assert.Equal(FrameFault.NotFinite, Assert.Throws<FrameException>(() => Read(Written(new StageFrame.RowsFor(1, rows)))).Fault);
    }

    private static StageRows Rows(RowsKind kind)
    {
        int[] lengths = [2, 5, 3];
        var rented = ArrayPool<float>.Shared.Rent(10 * Width);
        for (var i = 0; i < 10 * Width; i++)
        {
            rented[i] = MathF.Sin(i) * 1e-3f;
        }

        var extras = kind != RowsKind.Gradients;
        return new StageRows(
            4, kind, new MicroBatchId(12, 3), new ActivationBatch(rented.AsMemory(0, 10 * Width), lengths, extras ? [1, 0, 2] : [], extras ? [-5, 1L << 40, 9] : []), rented);
    }

    private static byte[] Written(StageFrame frame)
    {
        using var stream = new MemoryStream();
        new StageFrameWriter(Width).Write(stream, frame);
        return stream.ToArray();
    }

    private static StageFrame? Read(byte[] bytes)
    {
        using var stream = new MemoryStream(bytes);
        return new StageFrameReader(Width, MostBytes).Read(stream);
    }
}
