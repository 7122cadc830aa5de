using Microsoft.Extensions.Time.Testing;

using SplitFrozen.Cli.Commands;
using SplitFrozen.Cli.Terminal;

namespace SplitFrozen.Cli.Tests.Support;

/// <summary>The program in this process, with a folder for its runs and what it prints.</summary>
internal sealed class ProgramUnderTest : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();

    public FakeComposition Composition { get; } = new();

    public StopRequest Stop { get; } = new();

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 11, 24, 5, 30, 12, TimeSpan.Zero));

    public string Output => _output.ToString();

    public string Error => _error.ToString();

    /// <summary>Where fresh run folders go.</summary>
    public string Runs => _folder.At("runs");

    /// <summary>The run folders there are.</summary>
    public IReadOnlyList<string> RunFolders => Directory.Exists(Runs) ? Directory.GetFileSystemEntries(Runs) : [];

    /// <summary>Runs a command line; training commands put their runs into <see cref="Runs"/>.</summary>
    public Task<ExitCode> RunAsync(params string[] arguments)
    {
        var environment = new CliEnvironment(PlainConsole.To(_output, 80), PlainConsole.To(_error, 80), Composition, Time, Stop);
        return CommandTree.RunAsync(environment, arguments, _output, _error);
    }

    /// <summary>Trains into <see cref="Runs"/>.</summary>
    public Task<ExitCode> TrainAsync(params string[] more) => RunAsync(["train", "--set", $"splitfrozen.run.root={Runs}", .. more]);

    public string At(params string[] names) => _folder.At(names);

    public string File(string name, string text) => _folder.File(name, text);

    public void Dispose()
    {
        Stop.Dispose();
        _folder.Dispose();
    }
}
