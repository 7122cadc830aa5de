using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace SplitFrozen.Model.Memory;

/// <summary>
/// Gives libtorch the memory of a <see cref="BlockPool"/> for its large tensors in main memory, by an allocator of c10's interface (c10/core/Allocator.h), which has no
/// binding: an object whose table of virtual functions points here. That table and the structure it returns are held against libtorch's own allocator first;
/// where they are not as expected, or on another system than Linux with glibc, everything stays as it was.
/// </summary>
internal static unsafe class TensorAllocator
{
    /// <summary>Smaller tensors are left to malloc.</summary>
    public const long LeastBytes = 1 << 20;

    private const int Alignment = 64;
    private const byte MainMemory = 0;
    private const string Get = "_ZN3c1015GetCPUAllocatorEv";
    private const string Set = "_ZN3c1015SetCPUAllocatorEPNS_9AllocatorEh";
    private const string IsSimple = "_ZNK3c109Allocator18is_simple_data_ptrERKNS_7DataPtrE";
    private static readonly Lazy<bool> Installed = new(Install);
    private static delegate* unmanaged[Cdecl]<void*, void> _free;

    /// <summary>Places in the table of virtual functions.</summary>
    private enum Slot
    {
        Destructor,
        DeletingDestructor,
        Allocate,
        IsSimpleDataPointer,
        RawDeleter,
        CopyData,
        Count,
    }

    /// <summary>The pool behind it.</summary>
    public static BlockPool Pool { get; } = new(new MappedMemory());

    /// <summary>Has libtorch use the pool from now on, once for the process.</summary>
    /// <returns>Whether it does.</returns>
    public static bool Use() => Installed.Value;

    private static bool Install()
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.RuntimeIdentifier.StartsWith("linux-musl", StringComparison.Ordinal))
        {
            return false;
        }

        // Loads the native library, if nothing has.
        using (TorchSharp.torch.empty(1))
        {
        }

        if (!TryFind("libc10.so", Get, out nint get) || !TryFind("libc10.so", Set, out nint set) || !TryFind("libc10.so", IsSimple, out nint isSimple)
            || !TryFind("libc.so.6", "free", out nint free))
        {
            return false;
        }

        _free = (delegate* unmanaged[Cdecl]<void*, void>)free;
        nint* theirs = *(nint**)((delegate* unmanaged[Cdecl]<void*>)get)();
        if (theirs[(int)Slot.IsSimpleDataPointer] != isSimple || !HasExpectedLayout(((delegate* unmanaged[Cdecl]<void*>)get)(), theirs))
        {
            return false;
        }

        ((delegate* unmanaged[Cdecl]<void*, byte, void>)set)(Create(isSimple), 0);
        return true;
    }

    private static bool TryFind(string library, string name, out nint address)
    {
        address = 0;
        return NativeLibrary.TryLoad(library, typeof(TorchSharp.torch).Assembly, null, out nint handle) && NativeLibrary.TryGetExport(handle, name, out address);
    }

    /// <summary>Whether libtorch's allocator gives a little memory in the structure that we are about to give.</summary>
    private static bool HasExpectedLayout(void* allocator, nint* table)
    {
        var given = ((delegate* unmanaged[Cdecl]<void*, nuint, DataPointer>)table[(int)Slot.Allocate])(allocator, Alignment);
        var deleter = ((delegate* unmanaged[Cdecl]<void*, nint>)table[(int)Slot.RawDeleter])(allocator);
        if (given.Data == null || given.Context != given.Data || (nint)given.Deleter != deleter || given.DeviceType != MainMemory)
        {
            return false;
        }

        given.Deleter(given.Context);
        return true;
    }

    /// <summary>The object, which lives as long as the process.</summary>
    private static void* Create(nint isSimple)
    {
        nint* memory = (nint*)NativeMemory.Alloc((nuint)((int)Slot.Count + 1) * (nuint)sizeof(nint));
        nint* table = memory + 1;
        *memory = (nint)table;
        table[(int)Slot.Destructor] = (nint)(delegate* unmanaged[Cdecl]<void*, void>)&Nothing;
        table[(int)Slot.DeletingDestructor] = (nint)(delegate* unmanaged[Cdecl]<void*, void>)&Nothing;
        table[(int)Slot.Allocate] = (nint)(delegate* unmanaged[Cdecl]<void*, nuint, DataPointer>)&Allocate;
        table[(int)Slot.IsSimpleDataPointer] = isSimple;
        table[(int)Slot.RawDeleter] = (nint)(delegate* unmanaged[Cdecl]<void*, nint>)&NoRawDeleter;
        table[(int)Slot.CopyData] = (nint)(delegate* unmanaged[Cdecl]<void*, void*, void*, nuint, void>)&Copy;
        return memory;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static DataPointer Allocate(void* self, nuint bytes)
    {
        bool isLarge = bytes >= (nuint)LeastBytes;
        void* data = null;
        try
        {
            data = bytes == 0 ? null : isLarge ? (void*)Pool.Rent(checked((long)bytes)) : NativeMemory.AlignedAlloc(bytes, Alignment);
        }
        catch (Exception e)
        {
            Fail(bytes, e);
        }

        if (data == null && bytes > 0)
        {
            Fail(bytes, null);
        }

        return new DataPointer
        {
            Data = data,
            Context = data,
            Deleter = isLarge ? &Release : _free,
            DeviceType = MainMemory,
            DeviceIndex = -1,
        };
    }

    /// <summary>Ends the process: no exception may pass through native code.</summary>
    private static void Fail(nuint bytes, Exception? e) => Environment.FailFast(
        $"There is no memory for a tensor of {bytes} bytes. Use a smaller model or smaller micro-batches (splitfrozen.training.micro-batch-size), or more memory.", e);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Release(void* data)
    {
        try
        {
            Pool.Return((nint)data);
        }
        catch (Exception e)
        {
            Environment.FailFast("Memory of a tensor could not be taken back.", e);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Nothing(void* self)
    {
        // The object is never destroyed.
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static nint NoRawDeleter(void* self) => 0;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Copy(void* self, void* to, void* from, nuint bytes) => NativeMemory.Copy(from, to, bytes);

    /// <summary>c10::DataPtr: an address, what is to be deleted and how (a unique_ptr of libstdc++ has the deleter first), and the device.</summary>
    private struct DataPointer
    {
        public void* Data;
        public delegate* unmanaged[Cdecl]<void*, void> Deleter;
        public void* Context;
        public byte DeviceType;
        public sbyte DeviceIndex;
    }
}
