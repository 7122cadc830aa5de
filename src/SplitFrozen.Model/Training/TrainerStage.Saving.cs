using SplitFrozen.Domain.Models;
using SplitFrozen.Model.Blocks;
using SplitFrozen.Model.Files;
using SplitFrozen.Model.Lora;
using SplitFrozen.Model.Peft;
using TorchSharp;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Training;

/// <summary>What goes from a stage to files and other nodes, and back.</summary>
internal sealed partial class TrainerStage
{
    private const string FromOtherStages = "the state handed over";

    /// <inheritdoc/>
    public IReadOnlyList<TensorData> AdapterTensors() => [.. Trainables.Select(member => TensorBytes.Of(member.Name, member.Value))];

    /// <inheritdoc/>
    public void SetAdapter(IReadOnlyList<TensorData> tensors) => SetAdapter(FromOtherStages, tensors);

    /// <inheritdoc/>
    public IReadOnlyList<TensorData> OptimizerTensors() => OptimizerState.Of(_optimizer, _parts.Trainables);

    /// <inheritdoc/>
    public void SetOptimizer(IReadOnlyList<TensorData> tensors) =>
        OptimizerState.Set(FromOtherStages, tensors, _optimizer, _parts.Trainables, IsElsewhere);

    /// <inheritdoc/>
    public void SaveAdapter(string folder) => PeftFolder.Save(folder, Config(), AdapterTensors());

    /// <inheritdoc/>
    public void LoadAdapter(string folder) => SetAdapter(folder, PeftFolder.Read(folder, Config()));

    /// <inheritdoc/>
    public void SaveOptimizer(string file) => StateFile.Save(file, OptimizerTensors());

    /// <inheritdoc/>
    public void LoadOptimizer(string file) =>
        OptimizerState.Set(file, StateFile.Read(file), _optimizer, _parts.Trainables, IsElsewhere);

    /// <inheritdoc/>
    public void AddToFrozen(IReadOnlyList<WeightedAdapter> adapters)
    {
        var factors = adapters.Select(a => (a.Weight, Tensors: a.Tensors.ToDictionary(t => t.Name, StringComparer.Ordinal))).ToList();
        foreach (var (_, module) in _parts.Blocks.SelectMany(block => block.Projections()))
        {
            if (module.Adapter is { } adapter)
            {
                AddProducts(module, adapter, factors);
            }
        }
    }

    private void AddProducts(Projection module, LoraAdapter adapter, List<(double Weight, Dictionary<string, TensorData> Tensors)> factors)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var change = torch.zeros(module.Outputs, module.Inputs);
        foreach (var (weight, tensors) in factors)
        {
            var (a, b) = (tensors[LoraNames.A(adapter.Module)], tensors[LoraNames.B(adapter.Module)]);
            adapter.AddProduct(change, TensorBytes.ToTensor(a), TensorBytes.ToTensor(b), weight);
        }

        module.AddToWeight(change.to(_device));
    }

    private void SetAdapter(string origin, IReadOnlyList<TensorData> tensors) =>
        TensorCopy.Into(origin, tensors, Trainables.ToDictionary(member => member.Name, member => member.Value), IsElsewhere);

    private PeftConfig Config() => PeftConfig.From(_architecture, _spec, _parts.ModelName, Blocks);

    /// <summary>Whether a trainable tensor's name is one that another stage of this run has.</summary>
    private bool IsElsewhere(string name)
    {
        if (name == ClassificationHead.WeightName)
        {
            return !IsLast;
        }

        return Enumerable.Range(_spec.Cut, _shape.Layers - _spec.Cut)
            .Any(layer => (layer < Blocks.From || layer >= Blocks.To) && name.StartsWith(_architecture.BlockName(layer) + ".", StringComparison.Ordinal));
    }
}
