namespace SplitFrozen.Model.Tests.Support;

/// <summary>Tests that measure the process and run while no other does.</summary>
[CollectionDefinition(nameof(AloneInTheProcess), DisableParallelization = true)]
public sealed class AloneInTheProcess;
