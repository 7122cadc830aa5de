using System.Runtime.InteropServices;

using SplitFrozen.Actors.Channel;
using SplitFrozen.Actors.Training;
using SplitFrozen.Domain.Models;

namespace SplitFrozen.Actors.Baselines;

/// <summary>What tensors on a device's link are part of.</summary>
internal enum ParcelKind
{
    /// <summary>Adapters and head, with the optimiser's state where that goes along.</summary>
    State,

    /// <summary>An adapter whose product frozen weights take up; its weight is in the notes.</summary>
    Residual,
}

/// <summary>Tensors that travel together over a device's link, one frame each. Of adapters those are left out that the other end has already, bit for bit.</summary>
/// <param name="Kind">What they are.</param>
/// <param name="Number">Of a state down: how many states that makes in this life; of one up: the command that it answers; of a residual: which one it is part of.</param>
/// <param name="Notes">Numbers that go along.</param>
/// <param name="Adapter">Adapters and head.</param>
/// <param name="Optimizer">The optimiser's state, or none.</param>
internal sealed record Parcel(ParcelKind Kind, int Number, double[] Notes, IReadOnlyList<TensorData> Adapter, IReadOnlyList<TensorData> Optimizer)
{
    /// <summary>Name of the tensor of the notes [n] (float64), the first of a parcel.</summary>
    public const string NotesName = "notes";

    /// <summary>The parcel as frames.</summary>
    public IEnumerable<StageFrame> Frames() => StateAssembly.Frames(
        (int)Kind, Number, new StageState([new TensorData(NotesName, [Notes.Length], MemoryMarshal.AsBytes<double>(Notes).ToArray()), .. Adapter], Optimizer));

    /// <summary>The parcel that frames were put together to.</summary>
    /// <param name="last">Any of its frames.</param>
    /// <param name="state">Its tensors.</param>
    /// <exception cref="FrameException">It does not begin with notes.</exception>
    public static Parcel Of(StageFrame.Tensor last, StageState state)
    {
        FrameException.Require(
            state.Adapter.Count > 0 && state.Adapter[0].Name == NotesName && state.Adapter[0].Bytes.Length % sizeof(double) == 0,
            FrameFault.BadHeader, "a parcel of tensors does not begin with its notes");
        return new Parcel(
            (ParcelKind)last.Stage, last.Steps, MemoryMarshal.Cast<byte, double>(state.Adapter[0].Bytes.Span).ToArray(), [.. state.Adapter.Skip(1)], state.Optimizer);
    }

    /// <summary>The tensors that the other end does not have yet.</summary>
    /// <param name="state">All.</param>
    /// <param name="known">What the other end has.</param>
    public static IReadOnlyList<TensorData> Changed(IReadOnlyList<TensorData> state, IReadOnlyList<TensorData> known)
    {
        var bytes = known.ToDictionary(t => t.Name, t => t.Bytes);
        return [.. state.Where(t => !bytes.TryGetValue(t.Name, out var have) || !have.Span.SequenceEqual(t.Bytes.Span))];
    }

    /// <summary>All tensors, given those that changed.</summary>
    /// <param name="changed">What came.</param>
    /// <param name="known">What was there before.</param>
    public static IReadOnlyList<TensorData> Whole(IReadOnlyList<TensorData> changed, IReadOnlyList<TensorData> known)
    {
        var came = changed.ToDictionary(t => t.Name);
        return [.. known.Select(t => came.GetValueOrDefault(t.Name, t))];
    }
}
