namespace SplitFrozen.Domain.Allocation;

/// <summary>
/// Deals out frozen layers. A user's own class may take the place of a built-in one: <c>splitfrozen.allocation.policy = "Namespace.Class, Assembly"</c>, with
/// a public constructor without parameters. What it decides never changes what is learned, only when things are done.
/// </summary>
public interface IAllocationPolicy
{
    /// <summary>Its name, for people.</summary>
    string Name { get; }

    /// <summary>
    /// Decides. Pure: the same input gives the same answer, and the order of the devices does not matter. Counts outside
    /// <see cref="AllocationInput.Range"/> are moved into it by <see cref="Allocator"/>, which says so in the reason.
    /// </summary>
    /// <returns>One assignment for each device of the input, in any order, with a reason for a person.</returns>
    IReadOnlyList<LayerAssignment> Decide(AllocationInput input);
}
