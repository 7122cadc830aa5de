using SplitFrozen.Model.Files;
using TorchSharp;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Training;

/// <summary>AdamW's state as a safetensors file: <c>exp_avg.NAME</c> and <c>exp_avg_sq.NAME</c> for each trainable tensor, and <c>step</c>.</summary>
internal static class OptimizerFile
{
    private const string StepName = "step";

    /// <summary>The step count is stored as two float32 halves, each exact.</summary>
    private const long StepRadix = 1 << 24;

    /// <summary>Writes the state, atomically.</summary>
    public static void Save(string path, AdamW optimizer, TrainableSet set)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var tensors = Views(optimizer, set);
        tensors.Add(StepName, torch.tensor(new float[] { optimizer.Steps / StepRadix, optimizer.Steps % StepRadix }));
        SafetensorsWriter.Write(path, tensors);
    }

    /// <summary>Reads the state; nothing changes where it does not fit.</summary>
    public static void Load(string path, AdamW optimizer, TrainableSet set)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var tensors = Views(optimizer, set);
        var step = torch.zeros(2);
        tensors.Add(StepName, step);
        TensorCopy.Into(SafetensorsFile.Open(path), tensors, name => name);
        float[] halves = [.. step.data<float>()];
        optimizer.Steps = ((long)halves[0] * StepRadix) + (long)halves[1];
    }

    private static Dictionary<string, Tensor> Views(AdamW optimizer, TrainableSet set)
    {
        var views = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        foreach (var member in set.Members)
        {
            views.Add($"exp_avg.{member.Name}", TrainableSet.ViewLike(member, optimizer.Means));
            views.Add($"exp_avg_sq.{member.Name}", TrainableSet.ViewLike(member, optimizer.Variances));
        }

        return views;
    }
}
