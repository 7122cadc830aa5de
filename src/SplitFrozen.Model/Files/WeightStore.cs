using System.Text.Json;
using SplitFrozen.Domain;
using SplitFrozen.Model.Blocks;
using SplitFrozen.Model.Gguf;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Files;

/// <summary>
/// The weights of a model: <c>model.safetensors</c>, or the files that <c>model.safetensors.index.json</c> names, or a GGUF file. Opening reads
/// headers; a tensor's bytes are read when it is asked for. Thread-safe.
/// </summary>
internal sealed class WeightStore
{
    private readonly Dictionary<string, StoredTensor> _tensors;
    private readonly string _path;
    private readonly string _basePrefix;
    private readonly Device _device;
    private long _bytesRead;

    private WeightStore(ModelFiles files, IReadOnlyList<IWeightFile> opened, Dictionary<string, StoredTensor> tensors, string basePrefix, Device device)
    {
        _path = files.Path;
        _device = device;
        Files = opened;
        _tensors = tensors;
        _basePrefix = _tensors.Keys.Any(name => name.StartsWith(basePrefix, StringComparison.Ordinal)) ? "" : basePrefix;
        long elements = _tensors.Values.Sum(tensor => tensor.Entry.Elements);
        BytesPerParameter = elements == 0 ? 0 : (double)_tensors.Values.Sum(tensor => tensor.Entry.Bytes) / elements;
    }

    private WeightStore(WeightStore other, ExpansionBuffer buffer)
    {
        (_path, _device, _tensors, _basePrefix) = (other._path, other._device, other._tensors, other._basePrefix);
        (Files, BytesPerParameter, Buffer) = (other.Files, other.BytesPerParameter, buffer);
    }

    /// <summary>The weight files, in the order of their names.</summary>
    public IReadOnlyList<IWeightFile> Files { get; }

    /// <summary>Mean bytes of a stored number.</summary>
    public double BytesPerParameter { get; }

    /// <summary>Where matrices that are held as stored are expanded; null where all are held expanded.</summary>
    public ExpansionBuffer? Buffer { get; }

    /// <summary>Bytes of tensors read so far.</summary>
    public long BytesRead => Interlocked.Read(ref _bytesRead);

    /// <summary>Opens a model's weight files.</summary>
    /// <param name="files">Which they are.</param>
    /// <param name="architecture">The family: names, and the heads whose rows GGUF files reorder.</param>
    /// <param name="device">Where loaded tensors go.</param>
    public static WeightStore Open(ModelFiles files, Architecture architecture, Device device)
    {
        var store = OpenFiles(files, architecture, device);
        store.RequireNoBlockAbove(architecture);
        return store;
    }

    private static WeightStore OpenFiles(ModelFiles files, Architecture architecture, Device device)
    {
        if (files.OpenGguf() is { } gguf)
        {
            return new WeightStore(files, [gguf], GgufWeights.Tensors(gguf, architecture.Shape(0)), architecture.BasePrefix, device);
        }

        string single = files.In(ModelFiles.SingleFile);
        string index = files.In(ModelFiles.IndexFile);
        if (!File.Exists(single) && !File.Exists(index))
        {
            throw new UserErrorException(
                $"The model folder '{files.Path}' has neither {ModelFiles.SingleFile} nor {ModelFiles.IndexFile} nor a GGUF file. Weights in other formats must be converted to safetensors first.");
        }

        SafetensorsFile[] opened = File.Exists(single)
            ? [SafetensorsFile.Open(single)]
            : [.. ShardNames(index).Select(name => OpenShard(files, name))];
        return new WeightStore(files, opened, Tensors(files, opened), architecture.BasePrefix, device);
    }

    /// <summary>Whether a tensor is there. Names are those of the whole model, with the base model's prefix.</summary>
    public bool Contains(string name) => _tensors.ContainsKey(Stored(name));

    /// <summary>Whether a tensor of this shape is there.</summary>
    public bool Contains(string name, params long[] shape) =>
        _tensors.TryGetValue(Stored(name), out var tensor) && tensor.Shape.AsSpan().SequenceEqual(shape);

    /// <summary>Reads a tensor as float32 onto the store's device. The caller owns it.</summary>
    /// <exception cref="UserErrorException">It is missing, has another shape, or cannot be read.</exception>
    public Tensor Load(string name, params long[] shape)
    {
        var stored = Find(name, shape);
        using var _ = no_grad();
        var tensor = TensorReader.Expanded(stored);
        Interlocked.Add(ref _bytesRead, stored.Entry.Bytes);
        return tensor.to(_device, disposeAfter: true);
    }

    /// <summary>The same weights, of which large matrices are to be held as stored and expanded in a buffer of the caller's.</summary>
    public WeightStore AsStored(ExpansionBuffer buffer) => new(this, buffer);

    /// <summary>Reads a matrix as it is stored, or gives null where it is to be held expanded: by choice, or because it is stored as float32.</summary>
    /// <exception cref="UserErrorException">It is missing, has another shape, or cannot be read.</exception>
    public StoredMatrix? LoadStored(string name, params long[] shape)
    {
        if (Buffer is null)
        {
            return null;
        }

        var stored = Find(name, shape);
        if (stored.Format == NumberFormat.Float32)
        {
            return null;
        }

        var matrix = new StoredMatrix(stored, Buffer);
        Interlocked.Add(ref _bytesRead, stored.Entry.Bytes);
        return matrix;
    }

    /// <summary>A configuration that knows of fewer blocks than there are would run, and give another function.</summary>
    private void RequireNoBlockAbove(Architecture architecture)
    {
        int layers = architecture.Shape(0).Layers;
        string block = Stored(architecture.BlockName(layers)) + ".";
        if (_tensors.Keys.FirstOrDefault(name => name.StartsWith(block, StringComparison.Ordinal)) is { } beyond)
        {
            throw new UserErrorException(
                $"The model in '{_path}' has a tensor '{beyond}', but its configuration says that there are {layers} blocks, numbered from 0. The weights and the configuration do not belong together.");
        }
    }

    private StoredTensor Find(string name, long[] shape)
    {
        if (!_tensors.TryGetValue(Stored(name), out var stored))
        {
            throw new UserErrorException(
                $"The model in '{_path}' has no tensor '{name}', which its configuration calls for. The weights and the configuration do not belong together, or a file is missing.");
        }

        return stored.Shape.AsSpan().SequenceEqual(shape)
            ? stored
            : throw new UserErrorException(
                $"'{stored.Path}': tensor '{stored.Entry.Name}' is [{string.Join(", ", stored.Shape)}], but the configuration calls for [{string.Join(", ", shape)}]. The weights and the configuration do not belong together.");
    }

    private static Dictionary<string, StoredTensor> Tensors(ModelFiles files, IEnumerable<SafetensorsFile> opened)
    {
        var tensors = new Dictionary<string, StoredTensor>(StringComparer.Ordinal);
        foreach (var file in opened)
        {
            foreach (var (name, entry) in file.Entries)
            {
                if (!tensors.TryAdd(name, new StoredTensor(file.Path, entry)))
                {
                    throw new UserErrorException($"'{files.Path}': tensor '{name}' is in more than one file. Remove the files that the model's index does not name.");
                }
            }
        }

        return tensors;
    }

    private string Stored(string name) =>
        _basePrefix.Length > 0 && name.StartsWith(_basePrefix, StringComparison.Ordinal) ? name[_basePrefix.Length..] : name;

    private static SafetensorsFile OpenShard(ModelFiles files, string name)
    {
        string path = files.In(name);
        return File.Exists(path)
            ? SafetensorsFile.Open(path)
            : throw new UserErrorException($"The model folder '{files.Path}' lacks '{name}', which {ModelFiles.IndexFile} names. Fetch the missing file.");
    }

    private static IEnumerable<string> ShardNames(string index)
    {
        try
        {
            using var stream = File.OpenRead(index);
            using var document = JsonDocument.Parse(stream);
            string[] names = [.. document.RootElement.GetProperty("weight_map").EnumerateObject()
                .Select(entry => entry.Value.GetString() ?? "").Distinct().Order(StringComparer.Ordinal)];
            return names.FirstOrDefault(name => name is "" or "." or ".." || Path.GetFileName(name) != name) is { } odd
                ? throw new UserErrorException($"'{index}' names the file '{odd}', which is not a plain file name in the model folder.")
                : names;
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or IOException)
        {
            throw new UserErrorException($"'{index}' is not an index of safetensors files: {e.Message} Fetch it again.", e);
        }
    }
}
