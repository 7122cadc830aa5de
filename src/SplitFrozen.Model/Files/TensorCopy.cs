using SplitFrozen.Domain;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Files;

/// <summary>Copies a file's tensors into existing ones.</summary>
internal static class TensorCopy
{
    /// <summary>Copies all tensors of a file, or none where names or shapes differ.</summary>
    /// <param name="file">The file.</param>
    /// <param name="targets">Every tensor that the file must hold, by name.</param>
    /// <param name="rename">Gives the target's name of a name in the file.</param>
    public static void Into(SafetensorsFile file, IReadOnlyDictionary<string, Tensor> targets, Func<string, string> rename)
    {
        var entries = new Dictionary<string, TensorEntry>(StringComparer.Ordinal);
        foreach (var entry in file.Entries.Values)
        {
            string name = rename(entry.Name);
            if (!targets.ContainsKey(name) || !entries.TryAdd(name, entry))
            {
                throw Misfit(file, $"it holds '{entry.Name}', which has no place here");
            }
        }

        foreach (var (name, target) in targets)
        {
            if (!entries.TryGetValue(name, out var entry))
            {
                throw Misfit(file, $"it lacks '{name}'");
            }

            if (!entry.Shape.AsSpan().SequenceEqual(target.shape))
            {
                throw Misfit(file, $"'{entry.Name}' is [{string.Join(", ", entry.Shape)}] instead of [{string.Join(", ", target.shape)}]");
            }
        }

        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var read = targets.ToDictionary(target => target.Key, target => file.Read(entries[target.Key]));
        foreach (var (name, target) in targets)
        {
            target.copy_(read[name]);
        }
    }

    private static UserErrorException Misfit(SafetensorsFile file, string what) =>
        new($"'{file.Path}' does not fit this model and configuration: {what}. Use the model, cut, targets and rank that it was made with.");
}
