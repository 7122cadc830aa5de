using SplitFrozen.Model.Lora;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Training;

/// <summary>What a stage holds of a micro-batch between F and W.</summary>
internal sealed class MicroBatch : IDisposable
{
    private readonly Head _head;
    private readonly HeadMemory _headMemory;
    private readonly Tensor _output;
    private readonly LoraTape.Entry[] _entries;
    private Tensor[]? _gradients;

    /// <summary>Takes over the tensors of a finished F from the open dispose scope.</summary>
    /// <param name="head">The stage's head.</param>
    /// <param name="headMemory">What the head keeps; disposed with this.</param>
    /// <param name="output">The head's input [R, D] as a node of the graph.</param>
    /// <param name="tape">The passes through adapters.</param>
    public MicroBatch(Head head, HeadMemory headMemory, Tensor output, LoraTape tape)
    {
        _head = head;
        _headMemory = headMemory;
        _output = output.DetachFromDisposeScope();
        _entries = [.. tape.Entries];
        foreach (var entry in _entries)
        {
            entry.Input.DetachFromDisposeScope();
            entry.Inner.DetachFromDisposeScope();
            entry.Output.DetachFromDisposeScope();
        }
    }

    /// <summary>Whether B is done.</summary>
    public bool InputGradientsDone => _gradients is not null;

    /// <summary>B: the gradients with respect to each adapter's inner and outer output, in one pass through the graph, which is freed by it.</summary>
    public void BackwardInput()
    {
        using var scope = NewDisposeScope();
        Tensor[] nodes = [.. _entries.Select(entry => entry.Inner), .. _entries.Select(entry => entry.Output)];
        var gradients = autograd.grad([_output], nodes, [_head.InputGradient(_headMemory)]);
        _gradients = [.. gradients.Select(gradient => gradient.DetachFromDisposeScope())];
    }

    /// <summary>W: adds the gradients of adapters and head.</summary>
    public void BackwardWeights()
    {
        var gradients = _gradients ?? throw new InvalidOperationException("W came before B.");
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        for (int i = 0; i < _entries.Length; i++)
        {
            var entry = _entries[i];
            entry.Adapter.AddGradients(entry.Input, entry.Inner, gradients[i], gradients[_entries.Length + i]);
        }

        _head.AddGradient(_headMemory);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _headMemory.Dispose();
        _output.Dispose();
        foreach (var entry in _entries)
        {
            entry.Input.Dispose();
            entry.Inner.Dispose();
            entry.Output.Dispose();
        }

        foreach (var gradient in _gradients ?? [])
        {
            gradient.Dispose();
        }
    }
}
