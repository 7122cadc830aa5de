using SplitFrozen.Domain;
using SplitFrozen.Domain.Models;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Files;

/// <summary>Copies stored tensors into existing ones.</summary>
internal static class TensorCopy
{
    /// <summary>Sets all targets, or none where names or shapes differ.</summary>
    /// <param name="origin">Where the tensors come from, for messages.</param>
    /// <param name="tensors">Stored tensors; of one name only one.</param>
    /// <param name="targets">Every tensor that must be among them, by name.</param>
    /// <param name="isElsewhere">Which other names belong to another stage and are passed over; any further name is an error.</param>
    /// <exception cref="UserErrorException">The tensors do not fit the targets.</exception>
    public static void Into(
        string origin, IReadOnlyList<TensorData> tensors, IReadOnlyDictionary<string, Tensor> targets, Func<string, bool> isElsewhere)
    {
        var found = new Dictionary<string, TensorData>(StringComparer.Ordinal);
        foreach (var tensor in tensors)
        {
            bool isWanted = targets.ContainsKey(tensor.Name);
            if (isWanted ? !found.TryAdd(tensor.Name, tensor) : !isElsewhere(tensor.Name))
            {
                throw Misfit(origin, $"it holds '{tensor.Name}', which has no place here");
            }
        }

        foreach (var (name, target) in targets)
        {
            if (!found.TryGetValue(name, out var tensor))
            {
                throw Misfit(origin, $"it lacks '{name}'");
            }

            if (!tensor.Shape.SequenceEqual(target.shape))
            {
                throw Misfit(origin, $"'{name}' is [{string.Join(", ", tensor.Shape)}] instead of [{string.Join(", ", target.shape)}]");
            }
        }

        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var read = targets.ToDictionary(target => target.Key, target => TensorBytes.ToTensor(found[target.Key]));
        foreach (var (name, target) in targets)
        {
            target.copy_(read[name]);
        }
    }

    private static UserErrorException Misfit(string origin, string what) =>
        new($"'{origin}' does not fit this model and configuration: {what}. Use the model, cut, targets and rank that it was made with.");
}
