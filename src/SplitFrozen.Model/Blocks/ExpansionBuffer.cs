using TorchSharp;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Blocks;

/// <summary>
/// The one place where stored matrices are expanded when they are used: as large as the largest of them. What stands in it is valid until the
/// next expansion. One owner, one thread at a time.
/// </summary>
internal sealed class ExpansionBuffer : IDisposable
{
    private Tensor? _numbers;

    /// <summary>Bytes held.</summary>
    public long Bytes => _numbers is null ? 0 : _numbers.numel() * _numbers.element_size();

    /// <summary>Makes room for a matrix of so many numbers; views from before are no longer valid.</summary>
    public void Reserve(long elements)
    {
        if (_numbers is null || _numbers.numel() < elements)
        {
            _numbers?.Dispose();
            _numbers = torch.empty(elements, ScalarType.Float32).DetachFromDisposeScope();
        }
    }

    /// <summary>A view of the buffer's start, float32, for which there is room; it belongs to the open dispose scope.</summary>
    public Tensor View(long[] shape)
    {
        var numbers = _numbers ?? throw new InvalidOperationException("No room was reserved.");
        return numbers.narrow(0, 0, shape.Aggregate(1L, (product, size) => product * size)).view(shape);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _numbers?.Dispose();
        _numbers = null;
    }
}
