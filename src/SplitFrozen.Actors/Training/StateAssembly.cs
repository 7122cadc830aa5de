using SplitFrozen.Actors.Channel;
using SplitFrozen.Domain.Models;

namespace SplitFrozen.Actors.Training;

/// <summary>Takes states apart into frames, and puts them together from those that one link brings, which keeps their order.</summary>
internal sealed class StateAssembly
{
    private readonly Dictionary<int, List<StageFrame.Tensor>> _begun = [];

    /// <summary>The frames of a state.</summary>
    public static IEnumerable<StageFrame> Frames(int stage, int steps, StageState state)
    {
        var count = state.Adapter.Count + state.Optimizer.Count;
        return state.Adapter.Select(t => (Tensor: t, IsOptimizer: false)).Concat(state.Optimizer.Select(t => (Tensor: t, IsOptimizer: true)))
            .Select((t, place) => new StageFrame.Tensor(stage, steps, place, count, t.IsOptimizer, t.Tensor));
    }

    /// <summary>Takes the next frame.</summary>
    /// <returns>The state that is complete with it, or null.</returns>
    public StageState? Add(StageFrame.Tensor frame)
    {
        // A link that broke may have left an earlier state begun.
        if (frame.Place == 0 || !_begun.TryGetValue(frame.Stage, out var begun))
        {
            _begun[frame.Stage] = begun = [];
        }

        begun.Add(frame);
        if (begun.Count < frame.Count)
        {
            return null;
        }

        _begun.Remove(frame.Stage);
        return new StageState(Of(begun, isOptimizer: false), Of(begun, isOptimizer: true));
    }

    private static List<TensorData> Of(List<StageFrame.Tensor> frames, bool isOptimizer) =>
        [.. frames.Where(f => f.IsOptimizer == isOptimizer).Select(f => f.Data)];
}
