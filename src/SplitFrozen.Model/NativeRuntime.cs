using System.Runtime.InteropServices;

namespace SplitFrozen.Model;

/// <summary>What the native library needs of the process that it is loaded into; on Linux, where it can be set from inside.</summary>
internal static partial class NativeRuntime
{
    private const int MallocTrimThreshold = -1;
    private const int MallocMapThreshold = -3;
    private const int HoldBytes = 1 << 30;
    private const int OlderMostBytes = 1 << 25;

    /// <summary>
    /// OpenMP's threads sleep between products instead of spinning: on a machine with as many threads as cores a spinning one takes the core that the next kernel needs.
    /// Works before the native library is loaded; what the user has set stays.
    /// </summary>
    /// <returns>Whether it could be set.</returns>
    public static bool LetIdleThreadsSleep() => OperatingSystem.IsLinux() && SetVariable("OMP_WAIT_POLICY", "passive", overwrite: 0) == 0;

    /// <summary>
    /// Memory of freed tensors is kept for the next ones instead of being given back to the system and cleared by it again.
    /// For processes that train; a device's memory is better small.
    /// </summary>
    /// <returns>Whether the allocator took it; older versions of glibc refuse to hold more than half of a thread's heap.</returns>
    public static bool KeepFreedMemory() =>
        OperatingSystem.IsLinux()
        && !RuntimeInformation.RuntimeIdentifier.StartsWith("linux-musl", StringComparison.Ordinal)
        && (SetAllocator(MallocMapThreshold, HoldBytes) != 0 || SetAllocator(MallocMapThreshold, OlderMostBytes) != 0)
        && SetAllocator(MallocTrimThreshold, HoldBytes) != 0;

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetVariable(string name, string value, int overwrite);

    [LibraryImport("libc", EntryPoint = "mallopt")]
    private static partial int SetAllocator(int parameter, int value);
}
