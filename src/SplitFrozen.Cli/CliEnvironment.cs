using SplitFrozen.Cli.Composing;

using Spectre.Console;

namespace SplitFrozen.Cli;

/// <summary>What the commands work with; tests put stand-ins here.</summary>
/// <param name="Out">Where results go.</param>
/// <param name="Error">Where errors go.</param>
/// <param name="Composition">Opens models and data and makes runs of them.</param>
/// <param name="Time">The clock.</param>
/// <param name="Stop">Tells that the user wants to stop.</param>
internal sealed record CliEnvironment(IAnsiConsole Out, IAnsiConsole Error, IComposition Composition, TimeProvider Time, StopRequest Stop);
