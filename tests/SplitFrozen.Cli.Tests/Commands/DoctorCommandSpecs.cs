using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;

using SplitFrozen.Cli.Tests.Support;
using SplitFrozen.Domain;

namespace SplitFrozen.Cli.Tests.Commands;

public sealed class DoctorCommandSpecs : IDisposable
{
    private readonly ProgramUnderTest _program = new();

    public void Dispose() => _program.Dispose();

    [Fact]
    public async Task Should_find_a_good_machine_ready()
    {
        Assert.Equal(ExitCode.Done, await _program.RunAsync("doctor", "--json"));

        var report = JsonNode.Parse(_program.Output)!;
        Assert.True(report["ok"]!.GetValue<bool>());
        string[] checks =
        [
            ".NET", "Platform", "Memory", "C++ runtime", "Native library", "Tensor memory", "Configuration", "Control plane", "Activation channel", "Model", "Data",
        ];
        Assert.Equal(checks, report["checks"]!.AsArray().Select(c => c!["check"]!.GetValue<string>()));
    }

    [Fact]
    public async Task Should_name_a_port_in_use_and_its_key()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;

        Assert.Equal(ExitCode.BadInput, await _program.RunAsync("doctor", "--set", $"splitfrozen.channel.port={port}"));

        Assert.Contains("splitfrozen.channel.port", _program.Output, StringComparison.Ordinal);
        Assert.Contains("problem", _program.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Should_not_look_at_the_model_without_the_native_library()
    {
        _program.Composition.OnProbe = () => throw new UserErrorException("The library is too new.");

        Assert.Equal(ExitCode.BadInput, await _program.RunAsync("doctor"));

        Assert.Contains("The library is too new.", _program.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("a model of 8 layers", _program.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Should_tell_what_is_wrong_with_the_configuration()
    {
        Assert.Equal(ExitCode.BadInput, await _program.RunAsync("doctor", "--set", "splitfrozen.training.sed=1"));

        Assert.Contains("Unknown key", _program.Output, StringComparison.Ordinal);
    }
}
