using TorchSharp;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Training;

/// <summary>
/// All trainable numbers of a stage in one flat tensor, and their gradients in another, in groups: a block's adapters, or the head. What is computed
/// over many tensors is computed a group at a time. A group is laid out alike in any stage, and so the bits do not depend on which stage it is in.
/// </summary>
internal sealed class TrainableSet : IDisposable
{
    /// <summary>Each tensor begins at a multiple of 64 bytes: the bits of a product must not depend on where its operands lie.</summary>
    private const long AlignmentElements = 16;

    private readonly List<Trainable> _members = [];
    private readonly (long Offset, long Length)[] _groups;

    /// <summary>Zeros of these shapes.</summary>
    public TrainableSet(IReadOnlyList<IReadOnlyList<(string Name, long[] Shape)>> groups, Device device)
    {
        using var scope = NewDisposeScope();
        (string Name, long[] Shape)[] members = [.. groups.SelectMany(group => group)];
        long[] offsets = new long[members.Length + 1];
        for (int i = 0; i < members.Length; i++)
        {
            long elements = Elements(members[i].Shape);
            Count += elements;
            offsets[i + 1] = offsets[i] + ((elements + AlignmentElements - 1) / AlignmentElements * AlignmentElements);
        }

        Values = torch.zeros(offsets[^1], device: device).DetachFromDisposeScope();
        Gradients = torch.zeros(offsets[^1], device: device).DetachFromDisposeScope();
        for (int i = 0; i < members.Length; i++)
        {
            var (name, shape) = members[i];
            _members.Add(new Trainable(name, View(Values, offsets[i], shape), View(Gradients, offsets[i], shape)));
        }

        _groups = new (long, long)[groups.Count];
        for (int i = 0, first = 0; i < _groups.Length; first += groups[i].Count, i++)
        {
            _groups[i] = (offsets[first], offsets[first + groups[i].Count] - offsets[first]);
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

    /// <summary>Views of the groups in a flat tensor of this set's size; they belong to the open dispose scope.</summary>
    public Tensor[] Groups(Tensor flat) => Array.ConvertAll(_groups, group => flat.narrow(0, group.Offset, group.Length));

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
