using SplitFrozen.Domain;
using SplitFrozen.Model.Files;

namespace SplitFrozen.Model.Gguf;

/// <summary>A GGUF file whose header was read and checked.</summary>
internal sealed class GgufFile : IWeightFile
{
    /// <summary>How such files' names end.</summary>
    public const string Extension = ".gguf";

    private readonly GgufHeader _header;

    private GgufFile(string path, GgufHeader header)
    {
        Path = path;
        _header = header;
    }

    /// <inheritdoc/>
    public string Path { get; }

    /// <summary>Keys and values.</summary>
    public GgufMetadata Metadata => _header.Metadata;

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, TensorEntry> Entries => _header.Entries;

    /// <inheritdoc/>
    public long DataStart => _header.DataStart;

    /// <summary>Family of the model as the file names it, such as llama.</summary>
    public string Architecture => Metadata.Required("general.architecture", Metadata.Text("general.architecture"));

    /// <summary>Reads and checks the header.</summary>
    /// <exception cref="UserErrorException">The file cannot be read, is damaged, or of a form that is not supported.</exception>
    public static GgufFile Open(string path)
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1 << 16);
            return Read(stream, path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"'{path}' cannot be read: {e.Message} Check that the file is there and may be read.", e);
        }
    }

    /// <summary>Reads and checks the header of an open file.</summary>
    /// <param name="stream">The file, at its start.</param>
    /// <param name="path">Its path.</param>
    public static GgufFile Read(Stream stream, string path)
    {
        var file = new GgufFile(path, GgufHeader.Read(stream, path));
        return (file.Metadata.Integer("split.count") ?? 0) <= 1
            ? file
            : throw new UserErrorException($"'{path}' is one part of a model in several files. Join them with llama.cpp's `llama-gguf-split --merge`, and give the joined file.");
    }
}
