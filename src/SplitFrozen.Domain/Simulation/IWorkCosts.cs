using SplitFrozen.Domain.Scheduling;

namespace SplitFrozen.Domain.Simulation;

/// <summary>What work costs, in floating-point operations and bytes.</summary>
public interface IWorkCosts
{
    /// <summary>Operations of one frozen block on a forward unit.</summary>
    /// <param name="lengths">Tokens of each sample.</param>
    double FrozenBlock(ReadOnlySpan<int> lengths);

    /// <summary>Operations of F, B or W of a micro-batch on one trainer stage.</summary>
    /// <param name="kind">Which.</param>
    /// <param name="stage">The stage, from 0.</param>
    /// <param name="lengths">Tokens of each sample; empty where all were struck.</param>
    double Trainer(OperationKind kind, int stage, ReadOnlySpan<int> lengths);

    /// <summary>Bytes of a unit on the wire, header included.</summary>
    double UnitBytes(int samples, int tokens);

    /// <summary>Bytes of memory that one frozen block takes on a device.</summary>
    long BlockBytes { get; }
}
