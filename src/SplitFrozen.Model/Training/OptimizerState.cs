using SplitFrozen.Domain.Models;
using SplitFrozen.Model.Files;
using TorchSharp;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Training;

/// <summary>AdamW's state as tensors: <c>exp_avg.NAME</c> and <c>exp_avg_sq.NAME</c> for each trainable tensor, and <c>step</c>.</summary>
internal static class OptimizerState
{
    private const string StepName = "step";
    private const string Mean = "exp_avg.";
    private const string Variance = "exp_avg_sq.";

    /// <summary>The step count is stored as two float32 halves, each exact.</summary>
    private const long StepRadix = 1 << 24;

    /// <summary>Copies of the state.</summary>
    public static IReadOnlyList<TensorData> Of(AdamW optimizer, TrainableSet set)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var tensors = Views(optimizer, set);
        tensors.Add(StepName, torch.tensor(new float[] { optimizer.Steps / StepRadix, optimizer.Steps % StepRadix }));
        return [.. tensors.Select(tensor => TensorBytes.Of(tensor.Key, tensor.Value))];
    }

    /// <summary>Sets the state; nothing changes where it does not fit.</summary>
    /// <param name="origin">Where the tensors come from, for messages.</param>
    /// <param name="tensors">Stored state, possibly of more stages than this.</param>
    /// <param name="optimizer">Receives it.</param>
    /// <param name="set">The optimiser's tensors.</param>
    /// <param name="isElsewhere">Which trainable tensors belong to another stage.</param>
    public static void Set(
        string origin, IReadOnlyList<TensorData> tensors, AdamW optimizer, TrainableSet set, Func<string, bool> isElsewhere)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var targets = Views(optimizer, set);
        var step = torch.zeros(2);
        targets.Add(StepName, step);
        TensorCopy.Into(origin, tensors, targets, name => isElsewhere(Bare(name)));
        float[] halves = [.. step.data<float>()];
        optimizer.Steps = ((long)halves[0] * StepRadix) + (long)halves[1];
    }

    private static string Bare(string name) =>
        name.StartsWith(Mean, StringComparison.Ordinal) ? name[Mean.Length..]
        : name.StartsWith(Variance, StringComparison.Ordinal) ? name[Variance.Length..]
        : name;

    private static Dictionary<string, Tensor> Views(AdamW optimizer, TrainableSet set)
    {
        var views = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        foreach (var member in set.Members)
        {
            views.Add(Mean + member.Name, TrainableSet.ViewLike(member, optimizer.Means));
            views.Add(Variance + member.Name, TrainableSet.ViewLike(member, optimizer.Variances));
        }

        return views;
    }
}
