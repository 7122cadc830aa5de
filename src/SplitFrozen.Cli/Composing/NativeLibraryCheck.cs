using System.Runtime.InteropServices;

using SplitFrozen.Domain;
using SplitFrozen.Model;

namespace SplitFrozen.Cli.Composing;

/// <summary>Loads TorchSharp's native library before TorchSharp does, whose own message hides the cause behind a page of guesses.</summary>
internal static class NativeLibraryCheck
{
    private const string Library = "LibTorchSharp";

    /// <exception cref="UserErrorException">The library cannot be loaded.</exception>
    public static void Require()
    {
        try
        {
            NativeLibrary.Load(Library, typeof(TorchRuntime).Assembly, searchPath: null);
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            throw new UserErrorException($"TorchSharp's native library cannot be loaded: {Cause(e.Message)}. {Remedy(e.Message)}", e);
        }
    }

    /// <summary>The loader tries many places and lists them all; those where there simply is no such file say nothing.</summary>
    private static string Cause(string message) =>
        message.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Skip(1)
            .FirstOrDefault(line => !line.Contains("No such file", StringComparison.Ordinal))?.TrimEnd('.') ?? $"there is no {Library} beside the program";

    private static string Remedy(string message) => message.Contains("GLIBC", StringComparison.Ordinal)
        ? "The system's libstdc++ is too old. Build the program on this machine, for the build fits the library to it (dotnet build -c Release), or use Ubuntu 24.04, Debian 13 or newer."
        : "Build the program again on this machine (dotnet build -c Release); the library is there for Linux on x86-64.";
}
