using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace SplitFrozen.Model;

/// <summary>Copies between managed memory and tensors. Tensors own their memory, aligned as libtorch aligns it: products on borrowed memory could differ in their last bits with its alignment.</summary>
internal static class TensorMemory
{
    /// <summary>Copies numbers into a new tensor; it belongs to the open dispose scope.</summary>
    public static Tensor Upload(ReadOnlySpan<float> values, ReadOnlySpan<long> shape, Device device)
    {
        var tensor = torch.empty(shape, ScalarType.Float32);
        MemoryMarshal.AsBytes(values).CopyTo(tensor.bytes);
        return tensor.to(device);
    }

    /// <summary>Copies token ids into a new tensor of int64; it belongs to the open dispose scope.</summary>
    public static Tensor Upload(ReadOnlySpan<int> tokens, Device device)
    {
        var tensor = torch.empty(tokens.Length, ScalarType.Int32);
        MemoryMarshal.AsBytes(tokens).CopyTo(tensor.bytes);
        return tensor.to(ScalarType.Int64, device);
    }

    /// <summary>Copies a tensor's float32 numbers, row-major, into memory of that size.</summary>
    public static void Download(Tensor tensor, Span<float> values) =>
        tensor.cpu().contiguous().bytes.CopyTo(MemoryMarshal.AsBytes(values));

    /// <summary>Address of a contiguous tensor's first byte in memory of the CPU. The memory does not move; the caller keeps the tensor alive.</summary>
    public static unsafe nint Address(Tensor tensor)
    {
        // A view of one number: the bytes of the whole may be more than a span holds.
        using var flat = tensor.view(-1);
        using var first = flat.narrow(0, 0, 1);
        return (nint)Unsafe.AsPointer(ref MemoryMarshal.GetReference(first.bytes));
    }

    /// <summary>Whether kernels of our own can take it: some numbers of float32, side by side in memory of the CPU.</summary>
    public static bool IsPlain(Tensor tensor) =>
        tensor.numel() > 0 && tensor.device_type == DeviceType.CPU && tensor.dtype == ScalarType.Float32 && tensor.is_contiguous();

    /// <summary>Address of the first number of a tensor of float32 with any strides in memory of the CPU; the caller keeps the tensor alive.</summary>
    public static nint FirstNumber(Tensor tensor)
    {
        using var plain = tensor.detach();
        using var first = plain.as_strided([1], [1], tensor.storage_offset());
        return Address(first);
    }
}
