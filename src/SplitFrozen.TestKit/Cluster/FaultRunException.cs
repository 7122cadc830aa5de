using SplitFrozen.TestKit.Faults;

namespace SplitFrozen.TestKit.Cluster;

/// <summary>A run under faults failed, or broke an invariant; the message tells the plan, and the seed that replays it.</summary>
public sealed class FaultRunException : Exception
{
    /// <summary>A failure under a plan.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="problem">What is wrong.</param>
    /// <param name="cause">What threw, or null.</param>
    public FaultRunException(FaultPlan plan, string problem, Exception? cause = null) : base($"{problem}{Environment.NewLine}Under {plan}", cause) => Plan = plan;

    /// <summary>What went wrong with the run.</summary>
    public FaultPlan Plan { get; }
}
