using TorchSharp;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Training;

/// <summary>All trainable numbers of a stage in one flat tensor, and their gradients in another, so that an optimiser step is a few operations whatever the number of adapters.</summary>
internal sealed class TrainableSet : IDisposable
{
    /// <summary>Each tensor begins at a multiple of 64 bytes: the bits of a product must not depend on where its operands lie.</summary>
    private const long AlignmentElements = 16;

    private readonly List<Trainable> _members = [];

    /// <summary>Zeros of these shapes.</summary>
    public TrainableSet(IReadOnlyList<(string Name, long[] Shape)> members, Device device)
    {
        using var scope = NewDisposeScope();
        long[] offsets = new long[members.Count + 1];
        for (int i = 0; i < members.Count; i++)
        {
            long elements = Elements(members[i].Shape);
            Count += elements;
            offsets[i + 1] = offsets[i] + ((elements + AlignmentElements - 1) / AlignmentElements * AlignmentElements);
        }

        Values = torch.zeros(offsets[^1], device: device).DetachFromDisposeScope();
        Gradients = torch.zeros(offsets[^1], device: device).DetachFromDisposeScope();
        for (int i = 0; i < members.Count; i++)
        {
            var (name, shape) = members[i];
            _members.Add(new Trainable(name, View(Values, offsets[i], shape), View(Gradients, offsets[i], shape)));
        }
    }

    /// <summary>How many numbers are trained.</summary>
    public long Count { get; }

    /// <summary>All numbers, flat; zeros fill the gaps.</summary>
    public Tensor Values { get; }

    /// <summary>All gradients, flat; zeros fill the gaps.</summary>
    public Tensor Gradients { get; }

    /// <summary>The tensors in their order.</summary>
    public IReadOnlyList<Trainable> Members => _members;

    /// <summary>A view like <see cref="Trainable.Value"/> into another flat tensor of this set's size. The caller owns it.</summary>
    public static Tensor ViewLike(Trainable member, Tensor flat) =>
        flat.as_strided(member.Value.shape, member.Value.stride(), member.Value.storage_offset());

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var (_, value, gradient) in _members)
        {
            value.Dispose();
            gradient.Dispose();
        }

        Values.Dispose();
        Gradients.Dispose();
    }

    private static long Elements(long[] shape) => shape.Aggregate(1L, (product, size) => product * size);

    private static Tensor View(Tensor flat, long offset, long[] shape) =>
        flat.narrow(0, offset, Elements(shape)).view(shape).DetachFromDisposeScope();
}
