using System.Runtime.InteropServices;

using SplitFrozen.Actors.Channel;
using SplitFrozen.Actors.Training;
using SplitFrozen.Domain.Codecs;
using SplitFrozen.Domain.Models;
using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Baselines;

/// <summary>What rows from a device must keep to.</summary>
/// <param name="MaxLength">Longest sample in tokens.</param>
/// <param name="MicroBatch">Most samples of a micro-batch.</param>
/// <param name="Task">Decides whether targets are one a sample or one a token.</param>
/// <param name="TargetLimit">Targets are below this.</param>
internal sealed record RowRules(int MaxLength, int MicroBatch, TaskKind Task, int TargetLimit);

/// <summary>
/// The server's check of what one life of a device sends: only what was asked for, and of tensors only such as the device was given, of their sizes and finite. Frames
/// come on the link's thread, leave is given by the server's actor.
/// </summary>
/// <param name="rules">What rows must keep to.</param>
internal sealed class DeviceGate(RowRules rules)
{
    private readonly Lock _gate = new();
    private readonly StateAssembly _parts = new();
    private readonly HashSet<string> _names = [];
    private readonly Queue<int> _notes = [];
    private IReadOnlyDictionary<(string Name, bool IsOptimizer), TensorData> _template = new Dictionary<(string, bool), TensorData>();
    private int _rows;

    /// <summary>The device may send so many micro-batches of rows more.</summary>
    public void AllowRows(int microBatches)
    {
        lock (_gate)
        {
            _rows += microBatches;
        }
    }

    /// <summary>The device may send one state more.</summary>
    /// <param name="template">Tensors of the names and sizes that it may have.</param>
    /// <param name="notes">How many notes it has.</param>
    public void AllowState(StageState template, int notes)
    {
        lock (_gate)
        {
            _template = template.Adapter.Select(t => (Tensor: t, IsOptimizer: false)).Concat(template.Optimizer.Select(t => (Tensor: t, IsOptimizer: true)))
                .ToDictionary(t => (t.Tensor.Name, t.IsOptimizer), t => t.Tensor);
            _notes.Enqueue(notes);
        }
    }

    /// <summary>Takes a frame.</summary>
    /// <returns>The rows, or the parcel that is complete with it, or null.</returns>
    /// <exception cref="FrameException">It is refused; its buffer is given back.</exception>
    public object? Take(StageFrame frame)
    {
        lock (_gate)
        {
            if (frame is StageFrame.RowsFor rows)
            {
                return Take(rows.Rows);
            }

            return Take((StageFrame.Tensor)frame);
        }
    }

    private StageRows Take(StageRows rows)
    {
        try
        {
            var (lengths, targets) = (rows.Batch.Lengths, rows.Batch.Targets);
            FrameException.Require(rows.Kind == RowsKind.Activations, FrameFault.BadHeader, $"rows of kind {rows.Kind} came from a device");
            FrameException.Require(_rows > 0, FrameFault.NotGranted, "rows came that were not asked for");
            FrameException.Require(lengths.Length <= rules.MicroBatch, FrameFault.BadSizes, $"{lengths.Length} samples, a micro-batch has at most {rules.MicroBatch}");
            FrameException.Require(Array.TrueForAll(lengths, l => l <= rules.MaxLength), FrameFault.BadHeader, $"a sample is longer than {rules.MaxLength} tokens");
            var wanted = rules.Task == TaskKind.Classification ? lengths.Length : lengths.Sum();
            FrameException.Require(
                targets.Length == wanted && Array.TrueForAll(targets, IsTarget), FrameFault.BadHeader, $"targets are not {wanted} numbers below {rules.TargetLimit}");
            _rows--;
            return rows;
        }
        catch
        {
            rows.Return();
            throw;
        }
    }

    private Parcel? Take(StageFrame.Tensor frame)
    {
        FrameException.Require(_notes.Count > 0, FrameFault.NotGranted, "tensors came that were not asked for");
        FrameException.Require(frame.Stage == (int)ParcelKind.State && frame.Place == _names.Count, FrameFault.BadHeader, "a tensor is not the next of its state");
        FrameException.Require(_names.Add($"{frame.IsOptimizer} {frame.Data.Name}"), FrameFault.BadHeader, $"tensor {frame.Data.Name} came twice");
        Check(frame);
        if (_parts.Add(frame) is not { } state)
        {
            return null;
        }

        _names.Clear();
        _notes.Dequeue();
        return Parcel.Of(frame, state);
    }

    private void Check(StageFrame.Tensor frame)
    {
        var data = frame.Data;
        if (frame.Place == 0)
        {
            FrameException.Require(
                data.Name == Parcel.NotesName && data.Bytes.Length == sizeof(double) * _notes.Peek() && frame.Count <= _template.Count + 1,
                FrameFault.BadSizes, $"a state of {frame.Count} tensors begins with {data.Bytes.Length} bytes of {data.Name}");
            return;
        }

        FrameException.Require(
            _template.TryGetValue((data.Name, frame.IsOptimizer), out var given) && given.Shape.SequenceEqual(data.Shape) && given.Bytes.Length == data.Bytes.Length,
            FrameFault.BadSizes, $"tensor {data.Name} of {data.Bytes.Length} bytes is none of those that the device was given");
        FrameException.Require(IsFinite(data), FrameFault.NotFinite, $"tensor {data.Name} has values that are not finite");
    }

    private static bool IsFinite(TensorData data)
    {
        var numbers = data.Shape.Aggregate(1L, (product, size) => product * size);
        return data.Bytes.Length != numbers * sizeof(double)
            ? FiniteValues.All(MemoryMarshal.Cast<byte, float>(data.Bytes.Span))
            : MemoryMarshal.Cast<byte, double>(data.Bytes.Span).ToArray().All(double.IsFinite);
    }

    private bool IsTarget(int target) => (target >= 0 && target < rules.TargetLimit) || (rules.Task == TaskKind.LanguageModel && target == Target.Ignored);
}
