using System.Runtime.InteropServices;

namespace SplitFrozen.Model;

/// <summary>What the native library needs of the process that it is loaded into; on Linux, where it can be set from inside.</summary>
internal static partial class NativeRuntime
{
    /// <summary>
    /// OpenMP's threads sleep between products instead of spinning: on a machine with as many threads as cores a spinning one takes the core that the next kernel needs.
    /// Works before the native library is loaded; what the user has set stays.
    /// </summary>
    /// <returns>Whether it could be set.</returns>
    public static bool LetIdleThreadsSleep() => OperatingSystem.IsLinux() && SetVariable("OMP_WAIT_POLICY", "passive", overwrite: 0) == 0;

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetVariable(string name, string value, int overwrite);
}
