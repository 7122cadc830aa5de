using Microsoft.Win32.SafeHandles;
using SplitFrozen.Domain;
using TorchSharp;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Files;

/// <summary>One safetensors file, of which only the tensors that are asked for are read. Thread-safe.</summary>
internal sealed class SafetensorsFile
{
    /// <summary>Largest read at once: a span cannot exceed 2 GiB, and progress on slow disks stays interruptible.</summary>
    private const long ChunkElements = 1 << 26;

    private SafetensorsFile(string path, IReadOnlyDictionary<string, TensorEntry> entries)
    {
        Path = path;
        Entries = entries;
    }

    /// <summary>Where the file lies.</summary>
    public string Path { get; }

    /// <summary>Its tensors by name.</summary>
    public IReadOnlyDictionary<string, TensorEntry> Entries { get; }

    /// <summary>Reads and checks the header.</summary>
    public static SafetensorsFile Open(string path)
    {
        try
        {
            using var stream = File.OpenRead(path);
            return new SafetensorsFile(path, SafetensorsHeader.Read(stream, path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"'{path}' cannot be read: {e.Message} Check that the file is there and may be read.", e);
        }
    }

    /// <summary>Reads a tensor and converts it to float32, in memory of the CPU.</summary>
    public Tensor Read(TensorEntry entry)
    {
        var type = TorchType(entry);
        var stored = torch.empty(entry.Shape, type);
        ReadInto(stored, entry);
        if (type == ScalarType.Float32)
        {
            return stored;
        }

        var expanded = stored.to(ScalarType.Float32);
        stored.Dispose();
        return expanded;
    }

    private void ReadInto(Tensor tensor, TensorEntry entry)
    {
        try
        {
            using var handle = File.OpenHandle(Path);
            using var flat = tensor.view(-1);
            long width = tensor.element_size();
            for (long start = 0; start < entry.Elements; start += ChunkElements)
            {
                long count = Math.Min(ChunkElements, entry.Elements - start);
                using var part = flat.narrow(0, start, count);
                ReadExactly(handle, part.bytes, entry.Offset + (start * width), entry);
            }
        }
        catch (IOException e)
        {
            throw new UserErrorException($"'{Path}': tensor '{entry.Name}' cannot be read: {e.Message}", e);
        }
    }

    private void ReadExactly(SafeFileHandle handle, Span<byte> target, long offset, TensorEntry entry)
    {
        while (!target.IsEmpty)
        {
            int read = RandomAccess.Read(handle, target, offset);
            if (read == 0)
            {
                throw new UserErrorException($"'{Path}' ends inside tensor '{entry.Name}': it was changed or cut off since it was opened; fetch it again.");
            }

            target = target[read..];
            offset += read;
        }
    }

    private ScalarType TorchType(TensorEntry entry) => entry.TypeName switch
    {
        "F32" => ScalarType.Float32,
        "F16" => ScalarType.Float16,
        "BF16" => ScalarType.BFloat16,
        _ => throw new UserErrorException(
            $"'{Path}': tensor '{entry.Name}' is stored as {entry.TypeName}; F32, F16 and BF16 can be read. Convert the model to one of them."),
    };
}
