using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Runs;
using SplitFrozen.TestKit.Faults;
using SplitFrozen.TestKit.StandIn;

namespace SplitFrozen.TestKit.Cluster;

/// <summary>What a test cluster trains, and what goes wrong with it.</summary>
public sealed record TestClusterOptions
{
    /// <summary>What goes wrong.</summary>
    public FaultPlan Faults { get; init; } = FaultPlan.None;

    /// <summary>Virtual devices, device-0, device-1, …</summary>
    public int Devices { get; init; } = 2;

    /// <summary>Configuration on top of the kit's own small run, as key=value; such as splitfrozen.pipeline.window=2.</summary>
    public IReadOnlyList<string> Settings { get; init; } = [];

    /// <summary>The model; a real one can take the place of the stand-in.</summary>
    public IModelSource Model { get; init; } = new StandInModel();

    /// <summary>The data.</summary>
    public IDataSource Data { get; init; } = new StandInData(train: 140, test: 16);

    /// <summary>A run in whose recorded order this one trains; null: in the order of its settings.</summary>
    public TestRun? Replay { get; init; }

    /// <summary>Told of each event of the run, on the thread of whoever reports it.</summary>
    public Action<RunEvent> OnEvent { get; init; } = _ => { };

    /// <summary>How long a run may take; one that takes longer has come to a halt.</summary>
    public TimeSpan Limit { get; init; } = TimeSpan.FromSeconds(30);
}
