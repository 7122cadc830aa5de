using System.Runtime.InteropServices;

namespace SplitFrozen.Model.Memory;

/// <summary>Blocks mapped from Linux, on huge pages where the system has them: fewer faults at first use, and fewer misses when products walk through them.</summary>
internal sealed partial class MappedMemory : IBlockSource
{
    private const long HugePage = 1 << 21;
    private const int ReadAndWrite = 1 | 2;
    private const int PrivateAndAnonymous = 2 | 0x20;
    private const int AdviseHugePages = 14;
    private const nint Failed = -1;

    /// <inheritdoc/>
    public nint Take(long bytes)
    {
        // Some more, as huge pages begin at multiples of their size; what is not needed is given back at once.
        nint start = Map(0, (nuint)(bytes + HugePage), ReadAndWrite, PrivateAndAnonymous, -1, 0);
        if (start == Failed)
        {
            return 0;
        }

        nint aligned = (nint)((start + HugePage - 1) / HugePage * HugePage);
        long whole = (bytes + Environment.SystemPageSize - 1) / Environment.SystemPageSize * Environment.SystemPageSize;
        // What cannot be given back was never touched, and costs nothing but addresses.
        _ = Release(start, aligned - start);
        _ = Release((nint)(aligned + whole), start + HugePage + bytes - aligned - whole);

        // Where the system has no huge pages it says so, and small ones do.
        _ = Advise(aligned, (nuint)whole, AdviseHugePages);
        return aligned;
    }

    /// <inheritdoc/>
    public void GiveBack(nint address, long bytes)
    {
        if (!Release(address, bytes))
        {
            throw new InvalidOperationException($"{bytes} bytes at {address:x} cannot be unmapped: error {Marshal.GetLastPInvokeError()}.");
        }
    }

    private static bool Release(nint address, long bytes) => bytes <= 0 || Unmap(address, (nuint)bytes) == 0;

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial nint Map(nint address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    private static partial int Unmap(nint address, nuint length);

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nint address, nuint length, int advice);
}
