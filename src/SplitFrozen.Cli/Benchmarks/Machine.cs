using System.Runtime.InteropServices;

namespace SplitFrozen.Cli.Benchmarks;

/// <summary>What a reader must know of the machine to place figures.</summary>
/// <param name="Processor">Model name of the processor.</param>
/// <param name="Cores">Logical processors.</param>
/// <param name="System">Operating system.</param>
/// <param name="Runtime">.NET.</param>
internal sealed record Machine(string Processor, int Cores, string System, string Runtime)
{
    private const string ProcessorFile = "/proc/cpuinfo";

    /// <summary>This machine.</summary>
    public static Machine Current() => new(
        ProcessorName(), Environment.ProcessorCount, RuntimeInformation.OSDescription, RuntimeInformation.FrameworkDescription);

    private static string ProcessorName() =>
        File.Exists(ProcessorFile)
            ? File.ReadLines(ProcessorFile).FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':', 2)[1].Trim() ?? "unknown"
            : RuntimeInformation.ProcessArchitecture.ToString();
}
