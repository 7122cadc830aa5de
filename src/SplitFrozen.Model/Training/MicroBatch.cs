using SplitFrozen.Model.Lora;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Training;

/// <summary>What a stage holds of a micro-batch between F and W.</summary>
internal sealed class MicroBatch : IDisposable
{
    private readonly Tensor _output;
    private readonly Tensor? _input;
    private readonly LoraTape.Entry[] _entries;
    private readonly Head? _head;
    private readonly HeadMemory? _headMemory;
    private Tensor[]? _gradients;

    /// <summary>Takes over the tensors of a finished F from the open dispose scope.</summary>
    /// <param name="output">What the stage's blocks and final norm gave, as a node of the graph: [R, D] for the head, [T, D] for a next stage.</param>
    /// <param name="input">The stage's input [T, D], where the stage below needs its gradient.</param>
    /// <param name="tape">The passes through adapters.</param>
    /// <param name="head">The head, on the last stage.</param>
    /// <param name="headMemory">What the head keeps; disposed with this.</param>
    public MicroBatch(Tensor output, Tensor? input, LoraTape tape, Head? head, HeadMemory? headMemory)
    {
        _output = output.DetachFromDisposeScope();
        _input = input?.DetachFromDisposeScope();
        _entries = [.. tape.Entries];
        _head = head;
        _headMemory = headMemory;
        foreach (var entry in _entries)
        {
            entry.Input.DetachFromDisposeScope();
            entry.Inner.DetachFromDisposeScope();
            foreach (var part in entry.Outputs)
            {
                part.Inner.DetachFromDisposeScope();
                part.Output.DetachFromDisposeScope();
            }
        }
    }

    /// <summary>Sizes of the output.</summary>
    public long[] OutputShape => _output.shape;

    /// <summary>Numbers in the output.</summary>
    public long OutputSize => _output.numel();

    /// <summary>Numbers in the input's gradient; 0 where nothing below needs it.</summary>
    public long InputSize => _input?.numel() ?? 0;

    /// <summary>Whether B is done.</summary>
    public bool InputGradientsDone => _gradients is not null;

    /// <summary>B: the gradients with respect to each adapter's inner and outer output and to the input, in one pass through the graph, which is freed by it.</summary>
    /// <param name="outputGradient">Gradient with respect to the output, where there is no head.</param>
    /// <returns>The gradient with respect to the input, where it is needed; it belongs to the open dispose scope.</returns>
    public Tensor? BackwardInput(Tensor? outputGradient)
    {
        using var scope = NewDisposeScope();
        var seed = _head is null || _headMemory is null
            ? outputGradient ?? throw new ArgumentNullException(nameof(outputGradient))
            : _head.InputGradient(_headMemory);
        List<Tensor> nodes = [.. _entries.Select(entry => entry.Inner), .. _entries.SelectMany(entry => entry.Outputs).Select(part => part.Output)];
        int adapterNodes = nodes.Count;
        if (_input is not null)
        {
            nodes.Add(_input);
        }

        var gradients = autograd.grad([_output], nodes, [seed]);
        _gradients = [.. gradients.Take(adapterNodes).Select(gradient => gradient.DetachFromDisposeScope())];
        return _input is null ? null : gradients[^1].MoveToOuterDisposeScope();
    }

    /// <summary>W: adds the gradients of adapters and head.</summary>
    public void BackwardWeights()
    {
        var gradients = _gradients ?? throw new InvalidOperationException("W came before B.");
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        int next = _entries.Length;
        for (int i = 0; i < _entries.Length; i++)
        {
            var entry = _entries[i];
            entry.Adapter.AddGradientOfA(entry.Input, gradients[i]);
            foreach (var part in entry.Outputs)
            {
                entry.Adapter.AddGradientOfB(part, gradients[next++]);
            }
        }

        if (_head is not null && _headMemory is not null)
        {
            _head.AddGradient(_headMemory);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _headMemory?.Dispose();
        _output.Dispose();
        _input?.Dispose();
        foreach (var entry in _entries)
        {
            entry.Input.Dispose();
            entry.Inner.Dispose();
            foreach (var part in entry.Outputs)
            {
                part.Inner.Dispose();
                part.Output.Dispose();
            }
        }

        foreach (var gradient in _gradients ?? [])
        {
            gradient.Dispose();
        }
    }
}
