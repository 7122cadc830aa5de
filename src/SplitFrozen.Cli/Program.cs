using SplitFrozen.Cli;
using SplitFrozen.Cli.Commands;
using SplitFrozen.Cli.Composing;

using Spectre.Console;

var error = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
using var stop = new StopRequest();
var environment = new CliEnvironment(AnsiConsole.Console, error, new Composition(), TimeProvider.System, stop);
stop.ListenToSignals();
return (int)await CommandTree.RunAsync(environment, args, Console.Out, Console.Error);
