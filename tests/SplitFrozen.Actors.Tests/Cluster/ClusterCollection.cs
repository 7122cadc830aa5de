using Xunit;

namespace SplitFrozen.Actors.Tests.Cluster;

/// <summary>Clusters are formed one after another: on two cores their time-outs would otherwise disturb each other.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class ClusterCollection
{
    public const string Name = "cluster";
}
