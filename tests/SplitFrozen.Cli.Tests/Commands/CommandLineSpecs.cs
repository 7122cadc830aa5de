using SplitFrozen.Cli.Tests.Support;

namespace SplitFrozen.Cli.Tests.Commands;

public sealed class CommandLineSpecs : IDisposable
{
    private readonly ProgramUnderTest _program = new();

    public void Dispose() => _program.Dispose();

    [Theory]
    [InlineData("--help")]
    [InlineData("train", "--help")]
    [InlineData("--version")]
    public async Task Should_help(params string[] arguments)
    {
        Assert.Equal(ExitCode.Done, await _program.RunAsync(arguments));

        Assert.NotEmpty(_program.Output);
    }

    [Theory]
    [InlineData("--bogus", "train", "--bogus")]
    [InlineData("tarin", "tarin")]
    [InlineData("command")]
    [InlineData("argument missing", "eval")]
    public async Task Should_refuse_a_command_line_it_does_not_know(string named, params string[] arguments)
    {
        Assert.Equal(ExitCode.BadInput, await _program.RunAsync(arguments));

        Assert.Contains(named, _program.Error, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("Did you mean splitfrozen.training.seed?", "train", "--set", "splitfrozen.training.sed=1")]
    [InlineData("key=value", "train", "--set", "splitfrozen.training.seed")]
    [InlineData("nowhere.conf", "train", "--config", "nowhere.conf")]
    [InlineData("splitfrozen.training.seed = x", "train", "--seed", "x")]
    [InlineData("splitfrozen.device.id = a b", "device", "--id", "a b")]
    public async Task Should_refuse_bad_settings(string complaint, params string[] arguments)
    {
        Assert.Equal(ExitCode.BadInput, await _program.RunAsync(arguments));

        Assert.Contains(complaint, _program.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", _program.Error, StringComparison.Ordinal);
    }
}
