using System.Text.Json;
using SplitFrozen.Domain;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Files;

/// <summary>
/// The weights of a model folder: <c>model.safetensors</c>, or the files that <c>model.safetensors.index.json</c> names. Opening reads
/// headers; a tensor's bytes are read when it is asked for. Thread-safe.
/// </summary>
internal sealed class WeightStore
{
    private const string SingleFile = "model.safetensors";
    private const string IndexFile = "model.safetensors.index.json";

    private readonly Dictionary<string, (SafetensorsFile File, TensorEntry Entry)> _tensors;
    private readonly string _folder;
    private readonly string _basePrefix;
    private readonly Device _device;
    private long _bytesRead;

    private WeightStore(string folder, IReadOnlyList<SafetensorsFile> files, string basePrefix, Device device)
    {
        _folder = folder;
        _device = device;
        Files = [.. files.Select(file => file.Path)];
        _tensors = new(StringComparer.Ordinal);
        foreach (var file in files)
        {
            foreach (var (name, entry) in file.Entries)
            {
                if (!_tensors.TryAdd(name, (file, entry)))
                {
                    throw new UserErrorException($"'{folder}': tensor '{name}' is in more than one file. Remove the files that the model's index does not name.");
                }
            }
        }

        _basePrefix = _tensors.Keys.Any(name => name.StartsWith(basePrefix, StringComparison.Ordinal)) ? "" : basePrefix;
        long elements = _tensors.Values.Sum(tensor => tensor.Entry.Elements);
        BytesPerParameter = elements == 0 ? 0 : (double)_tensors.Values.Sum(tensor => tensor.Entry.Bytes) / elements;
    }

    /// <summary>Paths of the weight files, in the order of their names.</summary>
    public IReadOnlyList<string> Files { get; }

    /// <summary>Mean bytes of a stored number.</summary>
    public double BytesPerParameter { get; }

    /// <summary>Bytes of tensors read so far.</summary>
    public long BytesRead => Interlocked.Read(ref _bytesRead);

    /// <summary>Opens the weight files of a folder.</summary>
    /// <param name="folder">Model folder.</param>
    /// <param name="basePrefix">Prefix of the base model's names, such as <c>transformer.</c>; files written from the bare base model lack it.</param>
    /// <param name="device">Where loaded tensors go.</param>
    public static WeightStore Open(string folder, string basePrefix, Device device)
    {
        string single = Path.Combine(folder, SingleFile);
        string index = Path.Combine(folder, IndexFile);
        if (File.Exists(single))
        {
            return new WeightStore(folder, [SafetensorsFile.Open(single)], basePrefix, device);
        }

        if (!File.Exists(index))
        {
            throw new UserErrorException(
                $"The model folder '{folder}' has neither {SingleFile} nor {IndexFile}. Weights in other formats must be converted to safetensors first.");
        }

        return new WeightStore(folder, [.. ShardNames(index).Select(name => OpenShard(folder, name))], basePrefix, device);
    }

    /// <summary>Whether a tensor is there. Names are those of the whole model, with the base model's prefix.</summary>
    public bool Contains(string name) => _tensors.ContainsKey(Stored(name));

    /// <summary>Whether a tensor of this shape is there.</summary>
    public bool Contains(string name, params long[] shape) =>
        _tensors.TryGetValue(Stored(name), out var tensor) && tensor.Entry.Shape.AsSpan().SequenceEqual(shape);

    /// <summary>Reads a tensor as float32 onto the store's device. The caller owns it.</summary>
    /// <exception cref="UserErrorException">It is missing, has another shape, or cannot be read.</exception>
    public Tensor Load(string name, params long[] shape)
    {
        if (!_tensors.TryGetValue(Stored(name), out var found))
        {
            throw new UserErrorException(
                $"The model in '{_folder}' has no tensor '{name}', which its config.json calls for. The weights and config.json do not belong together, or a file is missing.");
        }

        var (file, entry) = found;
        if (!entry.Shape.AsSpan().SequenceEqual(shape))
        {
            throw new UserErrorException(
                $"'{file.Path}': tensor '{entry.Name}' is [{string.Join(", ", entry.Shape)}], but config.json calls for [{string.Join(", ", shape)}]. The weights and config.json do not belong together.");
        }

        using var _ = no_grad();
        var tensor = file.Read(entry);
        Interlocked.Add(ref _bytesRead, entry.Bytes);
        return tensor.to(_device, disposeAfter: true);
    }

    private string Stored(string name) =>
        _basePrefix.Length > 0 && name.StartsWith(_basePrefix, StringComparison.Ordinal) ? name[_basePrefix.Length..] : name;

    private static SafetensorsFile OpenShard(string folder, string name)
    {
        string path = Path.Combine(folder, name);
        return File.Exists(path)
            ? SafetensorsFile.Open(path)
            : throw new UserErrorException($"The model folder '{folder}' lacks '{name}', which {IndexFile} names. Fetch the missing file.");
    }

    private static IEnumerable<string> ShardNames(string index)
    {
        try
        {
            using var stream = File.OpenRead(index);
            using var document = JsonDocument.Parse(stream);
            string[] names = [.. document.RootElement.GetProperty("weight_map").EnumerateObject()
                .Select(entry => entry.Value.GetString() ?? "").Distinct().Order(StringComparer.Ordinal)];
            return names.FirstOrDefault(name => name.Length == 0 || Path.GetFileName(name) != name) is { } odd
                ? throw new UserErrorException($"'{index}' names the file '{odd}', which is not a plain file name in the model folder.")
                : names;
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or IOException)
        {
            throw new UserErrorException($"'{index}' is not an index of safetensors files: {e.Message} Fetch it again.", e);
        }
    }
}
