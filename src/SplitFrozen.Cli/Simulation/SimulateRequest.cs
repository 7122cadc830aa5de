using Akka.Configuration;

using SplitFrozen.Cli.Allocation;
using SplitFrozen.Domain.Simulation;

namespace SplitFrozen.Cli.Simulation;

/// <summary>What is to be simulated, as asked for; see <see cref="SimulateOptions"/> for each.</summary>
/// <param name="Configuration">Settings; with a run its own, and what the command line changes of them.</param>
/// <param name="NamesConfiguration">Whether the command line names a configuration file, so that its nodes and data are simulated.</param>
/// <param name="Run">A finished run to simulate, or null.</param>
/// <param name="Fleet">CSV with profiles, or null.</param>
/// <param name="Devices">Devices of a made-up fleet.</param>
/// <param name="Batches">Global batches of a made-up epoch.</param>
/// <param name="BatchSize">Samples of a global batch, or null.</param>
/// <param name="Epochs">Passes over the data, or null.</param>
/// <param name="Shape">Model of a made-up fleet.</param>
/// <param name="GigaFlops">Rates of nodes.</param>
/// <param name="Link">Rates of links, or null.</param>
/// <param name="Latency">Delays, or null.</param>
/// <param name="Memory">Memory of nodes, or null.</param>
/// <param name="Samples">Relative amounts of data.</param>
/// <param name="Length">Tokens of a sample.</param>
/// <param name="Server">The server.</param>
/// <param name="ReallocateEvery">Seconds between allocations, or null.</param>
/// <param name="Crashes">Crashes as written.</param>
/// <param name="SlowDowns">Slow-downs as written.</param>
/// <param name="RandomCrashes">Crashes at random, or null.</param>
/// <param name="Sweep">Whether to compare policies.</param>
/// <param name="AsJson">Whether to print JSON.</param>
internal sealed record SimulateRequest(
    Config Configuration, bool NamesConfiguration, RunRecord? Run, string? Fleet, int Devices, int Batches, int? BatchSize, int? Epochs, string Shape,
    Distribution GigaFlops, Distribution? Link, Distribution? Latency, Distribution? Memory, Distribution Samples, Distribution Length,
    ServerRequest Server, double? ReallocateEvery, IReadOnlyList<string> Crashes, IReadOnlyList<string> SlowDowns, RandomCrashes? RandomCrashes,
    bool Sweep, bool AsJson);

/// <summary>The server as asked for.</summary>
/// <param name="FlopsPerSecond">Operations a second of a stage and of catch-up, or null: the default, or the run's own.</param>
/// <param name="Stages">Trainer stages.</param>
/// <param name="SharesCompute">Whether catch-up and training share a processor.</param>
/// <param name="StepSeconds">Seconds of an optimiser step, or null likewise.</param>
internal sealed record ServerRequest(double? FlopsPerSecond, int Stages, bool SharesCompute, double? StepSeconds);
