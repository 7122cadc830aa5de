using SplitFrozen.Domain;
using SplitFrozen.Model.Gguf;

namespace SplitFrozen.Model.Files;

/// <summary>
/// The files of a model: a Hugging Face folder with safetensors, a folder with one GGUF file in their place, or a GGUF file alone. Where
/// configuration or tokenizer files lie beside a GGUF file, they win over its metadata; safetensors win over a GGUF file in the same folder.
/// </summary>
/// <param name="Path">What the user named, for messages.</param>
/// <param name="Folder">Where configuration and tokenizer files are looked for.</param>
/// <param name="GgufPath">The GGUF file that holds the weights, or null: safetensors.</param>
internal sealed record ModelFiles(string Path, string Folder, string? GgufPath)
{
    /// <summary>Name of the file that holds all weights.</summary>
    public const string SingleFile = "model.safetensors";

    /// <summary>Name of the file that says which file holds which weight.</summary>
    public const string IndexFile = "model.safetensors.index.json";

    private const string Remedy = "Set splitfrozen.model.path (or --model) to a Hugging Face model folder or a GGUF file.";

    /// <summary>Looks at what is there, without reading it.</summary>
    /// <exception cref="UserErrorException">Nothing is there, or it is not clear which file is meant.</exception>
    public static ModelFiles Find(string path)
    {
        if (File.Exists(path))
        {
            return path.EndsWith(GgufFile.Extension, StringComparison.OrdinalIgnoreCase)
                ? new ModelFiles(path, System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!, path)
                : throw new UserErrorException($"The model '{path}' is a file, but not a GGUF file. {Remedy}");
        }

        if (!Directory.Exists(path))
        {
            throw new UserErrorException($"The model folder {path} does not exist. {Remedy}");
        }

        var files = new ModelFiles(path, path, null);
        return File.Exists(files.In(SingleFile)) || File.Exists(files.In(IndexFile)) ? files : files with { GgufPath = OnlyGguf(path) };
    }

    /// <summary>A file in the folder, whether or not it is there.</summary>
    public string In(string name) => System.IO.Path.Combine(Folder, name);

    /// <summary>Reads the GGUF file's header, where there is such a file.</summary>
    public GgufFile? OpenGguf() => GgufPath is null ? null : GgufFile.Open(GgufPath);

    private static string? OnlyGguf(string folder)
    {
        string[] found = [.. Directory.EnumerateFiles(folder)
            .Where(file => file.EndsWith(GgufFile.Extension, StringComparison.OrdinalIgnoreCase)).Order(StringComparer.Ordinal)];
        return found.Length <= 1
            ? found.FirstOrDefault()
            : throw new UserErrorException(
                $"The model folder '{folder}' holds {found.Length} GGUF files ({string.Join(", ", found.Select(System.IO.Path.GetFileName))}). Name the one that is meant, as in --model {found[0]}.");
    }
}
