using System.Text.Json;

using Akka.Configuration;

using SplitFrozen.Actors.Configuration;
using SplitFrozen.Cli.Runs;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Configuration;

using Spectre.Console;

namespace SplitFrozen.Cli.Doctoring;

/// <summary>Checks what a run needs, and says how to mend what is broken: <c>doctor</c>.</summary>
internal static class DoctorCommand
{
    /// <param name="environment">What to work with.</param>
    /// <param name="load">Reads the configuration.</param>
    /// <param name="asJson">Whether to print JSON.</param>
    public static ExitCode Run(CliEnvironment environment, Func<Config> load, bool asJson)
    {
        var findings = Findings(environment, load).ToList();
        Show(environment.Out, findings, asJson);
        return findings.TrueForAll(f => f.Ok) ? ExitCode.Done : ExitCode.BadInput;
    }

    private static IEnumerable<Finding> Findings(CliEnvironment environment, Func<Config> load)
    {
        yield return MachineChecks.Dotnet();
        yield return MachineChecks.Platform();
        yield return MachineChecks.Memory();
        yield return MachineChecks.CppLibrary();
        var native = Try("Native library", environment.Composition.ProbeNativeLibrary);
        yield return native;
        if (native.Ok)
        {
            yield return new Finding("Tensor memory", true, environment.Composition.DescribeTensorMemory());
        }

        Settings? settings = null;
        yield return Try("Configuration", () =>
        {
            settings = SettingsReader.Read(load());
            return "all settings are valid";
        });
        if (settings is null)
        {
            yield break;
        }

        yield return MachineChecks.Port("Control plane", "splitfrozen.cluster", settings.Cluster.Host, settings.Cluster.Port);
        yield return MachineChecks.Port("Activation channel", "splitfrozen.channel", settings.Channel.Host, settings.Channel.Port);
        if (!native.Ok)
        {
            yield break;
        }

        yield return Try("Model", () => environment.Composition.DescribeModel(settings));
        yield return Try("Data", () => environment.Composition.DescribeData(settings));
    }

    private static Finding Try(string check, Func<string> look)
    {
        try
        {
            return new Finding(check, true, look());
        }
        catch (UserErrorException e)
        {
            return new Finding(check, false, e.Message);
        }
    }

    private static void Show(IAnsiConsole console, IReadOnlyList<Finding> findings, bool asJson)
    {
        if (asJson)
        {
            console.Profile.Out.Writer.WriteLine(JsonSerializer.Serialize(new { ok = findings.All(f => f.Ok), checks = findings }, RunJson.Indented));
            return;
        }

        var table = new Table().Border(TableBorder.Simple).AddColumns(
            new TableColumn("[grey]Check[/]").NoWrap(), new TableColumn("").NoWrap(), new TableColumn("[grey]Found[/]"));
        foreach (var finding in findings)
        {
            table.AddRow(finding.Check, finding.Ok ? "[green]ok[/]" : "[red]problem[/]", Markup.Escape(finding.Text));
        }

        console.Write(table);
        console.MarkupLine(findings.All(f => f.Ok) ? "[green]This machine is ready.[/]" : "[red]Mend what is marked, then run doctor again.[/]");
    }
}
