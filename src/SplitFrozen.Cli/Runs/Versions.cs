using System.Reflection;
using System.Runtime.InteropServices;

using Akka.Actor;

namespace SplitFrozen.Cli.Runs;

/// <summary>What a run was made with.</summary>
internal sealed record Versions(
    string Program, string Dotnet, string Torch, string Akka, string OperatingSystem, string Processor, int Cores, string Architecture)
{
    /// <summary>Those of this process and machine.</summary>
    /// <param name="torch">Versions of the native library.</param>
    public static Versions Current(string torch) => new(
        Of(typeof(Versions)), RuntimeInformation.FrameworkDescription, torch, Of(typeof(ActorSystem)),
        RuntimeInformation.OSDescription, ProcessorName(), Environment.ProcessorCount, RuntimeInformation.ProcessArchitecture.ToString());

    private static string Of(Type type) =>
        type.Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? type.Assembly.GetName().Version?.ToString() ?? "unknown";

    private static string ProcessorName()
    {
        const string Table = "/proc/cpuinfo";
        var line = File.Exists(Table) ? File.ReadLines(Table).FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal)) : null;
        return line is null ? "unknown" : line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
    }
}
