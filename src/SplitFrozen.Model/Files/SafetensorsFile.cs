using SplitFrozen.Domain;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Files;

/// <summary>One safetensors file, of which only the tensors that are asked for are read. Thread-safe.</summary>
internal sealed class SafetensorsFile : IWeightFile
{
    private SafetensorsFile(string path, long dataStart, IReadOnlyDictionary<string, TensorEntry> entries)
    {
        Path = path;
        DataStart = dataStart;
        Entries = entries;
    }

    /// <inheritdoc/>
    public string Path { get; }

    /// <inheritdoc/>
    public long DataStart { get; }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, TensorEntry> Entries { get; }

    /// <summary>Reads and checks the header.</summary>
    public static SafetensorsFile Open(string path)
    {
        try
        {
            using var stream = File.OpenRead(path);
            var entries = SafetensorsHeader.Read(stream, path);
            return new SafetensorsFile(path, stream.Position, entries);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"'{path}' cannot be read: {e.Message} Check that the file is there and may be read.", e);
        }
    }

    /// <summary>Reads a tensor and converts it to float32, in memory of the CPU.</summary>
    public Tensor Read(TensorEntry entry) => TensorReader.Expanded(new StoredTensor(Path, entry));
}
