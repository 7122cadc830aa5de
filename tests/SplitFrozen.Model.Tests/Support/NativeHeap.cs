using System.Runtime.InteropServices;
using SplitFrozen.Model.Memory;

namespace SplitFrozen.Model.Tests.Support;

/// <summary>Bytes that the C library and the pool of large tensors have handed out in this process: libtorch's tensors among them.</summary>
internal static partial class NativeHeap
{
    /// <summary>Bytes in use, in all arenas, in mappings of their own and in the pool.</summary>
    public static long BytesInUse()
    {
        var info = MallInfo2();
        return (long)(info.InUse + info.Mapped) + TensorAllocator.Pool.Asked;
    }

    [LibraryImport("libc.so.6", EntryPoint = "mallinfo2")]
    private static partial MallInfo MallInfo2();

    /// <summary>struct mallinfo2 of glibc's malloc.h.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct MallInfo
    {
        public nuint Arena;
        public nuint FreeChunks;
        public nuint FastChunks;
        public nuint MappedRegions;
        public nuint Mapped;
        public nuint Unused;
        public nuint FastFree;
        public nuint InUse;
        public nuint Free;
        public nuint Releasable;
    }
}
