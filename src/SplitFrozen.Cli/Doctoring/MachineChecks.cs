using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

using SplitFrozen.Cli.Terminal;

namespace SplitFrozen.Cli.Doctoring;

/// <summary>Looks at the machine, whatever is configured.</summary>
internal static class MachineChecks
{
    /// <summary>The bundled model and data need about a third of this; small machines still have room for the system.</summary>
    private const long LeastMemory = 1L << 30;

    private const string CppRuntime = "libstdc++.so.6";

    /// <summary>The .NET runtime.</summary>
    public static Finding Dotnet() => Environment.Version.Major >= 10
        ? new(".NET", true, RuntimeInformation.FrameworkDescription)
        : new(".NET", false, $"{RuntimeInformation.FrameworkDescription} is too old. Install the .NET 10 SDK.");

    /// <summary>System and processor.</summary>
    public static Finding Platform()
    {
        var found = $"{RuntimeInformation.OSDescription.Trim()}, {RuntimeInformation.ProcessArchitecture}, {Environment.ProcessorCount} cores";
        return OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture != Architecture.X64
            ? new("Platform", false, $"{found}. There is no native library for this processor; use an x86-64 machine.")
            : new("Platform", true, found);
    }

    /// <summary>Memory that this process may use.</summary>
    public static Finding Memory()
    {
        var memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        return memory >= LeastMemory
            ? new("Memory", true, Units.Bytes(memory))
            : new("Memory", false, $"{Units.Bytes(memory)} is little; give the process at least {Units.Bytes(LeastMemory)}.");
    }

    /// <summary>Which versions of the C++ runtime's interface the system has. Informative: the build fits the native library to older ones.</summary>
    public static Finding CppLibrary()
    {
        if (!OperatingSystem.IsLinux())
        {
            return new("C++ runtime", true, "not looked at on this system");
        }

        var file = LoadedFile(CppRuntime);
        return file is null
            ? new("C++ runtime", false, $"{CppRuntime} is not found. Install it (Debian, Ubuntu: apt install libstdc++6).")
            : new("C++ runtime", true, $"{file} with GLIBCXX up to 3.4.{NewestGlibcxx(file)}");
    }

    /// <summary>Whether a node could listen on an address.</summary>
    /// <param name="check">Name of the check.</param>
    /// <param name="keys">The section that the address comes from.</param>
    /// <param name="host">Host.</param>
    /// <param name="port">Port, 0 for any.</param>
    public static Finding Port(string check, string keys, string host, int port)
    {
        try
        {
            var address = IPAddress.TryParse(host, out var literal) ? literal : Dns.GetHostAddresses(host)[0];
            using var listener = new TcpListener(address, port);
            listener.Start();
            return new(check, true, port == 0 ? $"{host}, any free port" : $"{host}:{port} is free");
        }
        catch (SocketException e)
        {
            return new(check, false, $"{host}:{port} cannot be listened on: {e.Message}. Set {keys}.host to an address of this machine and {keys}.port to a free port, or 0.");
        }
    }

    private static string? LoadedFile(string library)
    {
        if (!NativeLibrary.TryLoad(library, out _))
        {
            return null;
        }

        return File.ReadLines("/proc/self/maps").Select(line => line[(line.LastIndexOf(' ') + 1)..])
            .FirstOrDefault(path => Path.GetFileName(path).StartsWith("libstdc++.so", StringComparison.Ordinal));
    }

    private static int NewestGlibcxx(string file)
    {
        ReadOnlySpan<byte> bytes = File.ReadAllBytes(file);
        var name = "GLIBCXX_3.4."u8;
        var newest = 0;
        for (var at = bytes.IndexOf(name); at >= 0; at = bytes.IndexOf(name))
        {
            bytes = bytes[(at + name.Length)..];
            var digits = bytes[..Math.Max(0, bytes.IndexOfAnyExceptInRange((byte)'0', (byte)'9'))];
            if (int.TryParse(Encoding.ASCII.GetString(digits), NumberStyles.None, CultureInfo.InvariantCulture, out var minor))
            {
                newest = Math.Max(newest, minor);
            }
        }

        return newest;
    }
}
