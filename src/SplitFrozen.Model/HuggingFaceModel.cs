using SplitFrozen.Domain;
using SplitFrozen.Domain.Models;
using SplitFrozen.Model.Files;
using SplitFrozen.Model.Memory;
using SplitFrozen.Model.Peft;
using SplitFrozen.Model.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace SplitFrozen.Model;

/// <summary>A model folder in the form of Hugging Face: config.json and safetensors, whole or in shards; or one with a GGUF file in their place, or such a file alone.</summary>
public sealed class HuggingFaceModel : IModelSource
{
    private readonly Architecture _architecture;
    private readonly WeightStore _weights;
    private readonly Device _device;
    private readonly Lazy<string> _fingerprint;
    private readonly WeightHolding _holding;

    private HuggingFaceModel(ModelFiles files, Architecture architecture, WeightStore weights, Device device)
    {
        Name = files.Path;
        _architecture = architecture;
        _weights = weights;
        _device = device;
        Shape = architecture.Shape(weights.BytesPerParameter);
        _fingerprint = new Lazy<string>(() => FolderFingerprint.Of(files.Folder, weights.Files.Select(file => (file.Path, file.DataStart))));
    }

    private HuggingFaceModel(HuggingFaceModel other, WeightHolding holding)
    {
        (Name, Shape, _architecture, _weights, _device, _fingerprint) =
            (other.Name, other.Shape, other._architecture, other._weights, other._device, other._fingerprint);
        _holding = holding;
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public ModelShape Shape { get; }

    /// <inheritdoc/>
    public string Fingerprint => _fingerprint.Value;

    /// <summary>The folder's weights, for tests.</summary>
    internal WeightStore Weights => _weights;

    /// <summary>Opens a folder or GGUF file: reads its configuration and the headers of its weight files.</summary>
    /// <param name="path">Model folder, or a GGUF file.</param>
    /// <param name="compute">Compute device of all that is loaded from it: <c>cpu</c> or <c>cuda:N</c>.</param>
    /// <exception cref="UserErrorException">It is missing, incomplete or damaged, its architecture is unknown, or the compute device is not there.</exception>
    public static HuggingFaceModel Open(string path, string compute = "cpu")
    {
        var files = ModelFiles.Find(path);
        var architecture = Architecture.Read(files);
        var device = ComputeDevice.Parse(compute);
        return new HuggingFaceModel(files, architecture, WeightStore.Open(files, architecture, device), device);
    }

    /// <summary>The same model, whose frozen blocks hold their weights in this way.</summary>
    /// <exception cref="UserErrorException">Weights are to be held as stored on a device that is not the CPU.</exception>
    public HuggingFaceModel Holding(WeightHolding weights) => weights == WeightHolding.Expanded || _device.type == DeviceType.CPU
        ? new HuggingFaceModel(this, weights)
        : throw new UserErrorException(
            $"splitfrozen.device.weights = as-stored works in memory of the CPU, and splitfrozen.model.compute is {_device}. Set the one to expanded or the other to cpu.");

    /// <inheritdoc/>
    public IFrozenBlocks LoadFrozen(int blocks) => new FrozenBlocks(_architecture, _weights, blocks, Name, _device, _holding);

    /// <inheritdoc/>
    public ITrainerStage LoadTrainer(TrainerSpec spec)
    {
        TensorAllocator.Use();
        var stage = new TrainerStage(_architecture, spec, TrainerParts.Load(_architecture, _weights, spec, BaseName, _device), _device);
        TensorAllocator.Pool.Settle();
        return stage;
    }

    /// <inheritdoc/>
    public void SaveAdapter(string folder, TrainerSpec spec, IReadOnlyList<TensorData> tensors) =>
        PeftFolder.Save(folder, Config(spec), TensorBytes.Distinct(tensors));

    /// <inheritdoc/>
    public IReadOnlyList<TensorData> ReadAdapter(string folder, TrainerSpec spec) => PeftFolder.Read(folder, Config(spec));

    /// <inheritdoc/>
    public void SaveOptimizer(string file, IReadOnlyList<TensorData> tensors) => StateFile.Save(file, TensorBytes.Distinct(tensors));

    /// <inheritdoc/>
    public IReadOnlyList<TensorData> ReadOptimizer(string file) => StateFile.Read(file);

    /// <summary>What adapters call the base model.</summary>
    private string BaseName => Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(Name)));

    private PeftConfig Config(TrainerSpec spec) =>
        PeftConfig.From(_architecture, spec, BaseName, new BlockRange(spec.Cut, Shape.Layers));
}
