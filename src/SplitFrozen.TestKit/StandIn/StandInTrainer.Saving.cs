using SplitFrozen.Domain.Models;

namespace SplitFrozen.TestKit.StandIn;

/// <summary>What goes from a stage to files and other stages, and back.</summary>
internal sealed partial class StandInTrainer
{
    private const string StepName = "step";

    public IReadOnlyList<TensorData> AdapterTensors() => [.. Named().Select(p => StandInFiles.Tensor(p.Name, p.Parameter.Value))];

    public void SetAdapter(IReadOnlyList<TensorData> tensors)
    {
        foreach (var (name, parameter) in Named())
        {
            StandInFiles.Set(tensors, name, parameter.Value);
        }
    }

    public IReadOnlyList<TensorData> OptimizerTensors() =>
    [
        .. Named().SelectMany(p => new[]
        {
            StandInFiles.Tensor(First(p.Name), p.Parameter.First),
            StandInFiles.Tensor(Second(p.Name), p.Parameter.Second),
        }),
        StandInFiles.Tensor(StepName, [_steps]),
    ];

    public void SetOptimizer(IReadOnlyList<TensorData> tensors)
    {
        foreach (var (name, parameter) in Named())
        {
            StandInFiles.Set(tensors, First(name), parameter.First);
            StandInFiles.Set(tensors, Second(name), parameter.Second);
        }

        double[] steps = [0];
        StandInFiles.Set(tensors, StepName, steps);
        _steps = (int)steps[0];
    }

    public void AddToFrozen(IReadOnlyList<WeightedAdapter> adapters)
    {
        for (var i = 0; i < _layers.Count; i++)
        {
            var layer = _layers[i];
            var (a, b) = (new double[layer.A.Value.Length], new double[layer.B.Value.Length]);
            foreach (var (weight, tensors) in adapters)
            {
                StandInFiles.Set(tensors, $"{Blocks.From + i}.A", a);
                StandInFiles.Set(tensors, $"{Blocks.From + i}.B", b);
                layer.AddProduct(weight, a, b);
            }
        }
    }

    public void SaveAdapter(string folder) => StandInFiles.SaveAdapter(folder, _spec, AdapterTensors());

    public void LoadAdapter(string folder) => SetAdapter(StandInFiles.ReadAdapter(folder));

    public void SaveOptimizer(string file) => StandInFiles.Save(file, OptimizerTensors());

    public void LoadOptimizer(string file) => SetOptimizer(StandInFiles.Read(file));

    private static string First(string name) => $"first.{name}";

    private static string Second(string name) => $"second.{name}";

    private IEnumerable<(string Name, StandInParameter Parameter)> Named()
    {
        for (var i = 0; i < _layers.Count; i++)
        {
            yield return ($"{Blocks.From + i}.A", _layers[i].A);
            yield return ($"{Blocks.From + i}.B", _layers[i].B);
        }

        if (_head is not null)
        {
            yield return ("head", _head);
        }
    }
}
