using SplitFrozen.Actors.Training;
using SplitFrozen.Domain.Models;
using SplitFrozen.Protocol.Messages;

namespace SplitFrozen.Actors.Coordination;

/// <summary>Puts together the pieces in which all stages tell their state.</summary>
internal sealed class StageCollection(int stages)
{
    private readonly Dictionary<(int Stage, bool IsOptimizer, string Name), Growing> _tensors = [];
    private readonly HashSet<int> _told = [];

    /// <summary>Whether every stage has told all.</summary>
    public bool IsComplete => _told.Count == stages;

    /// <summary>Adds the next piece of a tensor.</summary>
    public void Add(StageEvents.TensorPart part)
    {
        var key = (part.Stage, part.IsOptimizer, part.Name);
        if (!_tensors.TryGetValue(key, out var tensor))
        {
            _tensors[key] = tensor = new Growing(part.Shape, new byte[part.TotalBytes]);
        }

        part.Bytes.CopyTo(tensor.Bytes.AsSpan(tensor.Filled));
        tensor.Filled += part.Bytes.Length;
    }

    /// <summary>A stage has told all.</summary>
    public void Complete(int stage) => _told.Add(stage);

    /// <summary>The state of all stages.</summary>
    public StageState State() => new(Of(isOptimizer: false), Of(isOptimizer: true));

    private List<TensorData> Of(bool isOptimizer) =>
        [.. _tensors.Where(t => t.Key.IsOptimizer == isOptimizer).OrderBy(t => t.Key.Stage).Select(t => new TensorData(t.Key.Name, t.Value.Shape, t.Value.Bytes))];

    private sealed class Growing(long[] shape, byte[] bytes)
    {
        public long[] Shape => shape;

        public byte[] Bytes => bytes;

        public int Filled { get; set; }
    }
}
