using SplitFrozen.Domain;
using SplitFrozen.Domain.Models;
using SplitFrozen.Model.Files;

namespace SplitFrozen.Model.Gguf;

/// <summary>The weights of a GGUF file under the names of Hugging Face.</summary>
internal static class GgufWeights
{
    /// <summary>The tensors that modules read; others, such as listed rotary angles, are left out.</summary>
    /// <param name="file">The file.</param>
    /// <param name="shape">Sizes of the model: its heads say which rows lie beside each other.</param>
    public static Dictionary<string, StoredTensor> Tensors(GgufFile file, ModelShape shape)
    {
        string family = shape.Family == ModelFamily.Gpt2 ? "gpt2" : "llama";
        if (file.Architecture != family)
        {
            throw new UserErrorException(
                $"'{file.Path}' holds a model of the family {file.Architecture}, but config.json beside it describes one of the family {family}. Take the file or the config.json away.");
        }

        var tensors = new Dictionary<string, StoredTensor>(StringComparer.Ordinal);
        foreach (var entry in file.Entries.Values)
        {
            if (GgufNames.HuggingFace(family, entry.Name) is var (name, order) && !tensors.TryAdd(name, Stored(file, entry, order, shape)))
            {
                throw new UserErrorException($"'{file.Path}': tensor '{entry.Name}' is there twice under different spellings. Fetch the file again.");
            }
        }

        return tensors;
    }

    private static StoredTensor Stored(GgufFile file, TensorEntry entry, RowOrder order, ModelShape shape)
    {
        int heads = order switch
        {
            RowOrder.RotaryQueries => shape.Heads,
            RowOrder.RotaryKeys => shape.KeyValueHeads,
            _ => 0,
        };
        if (heads > 0 && entry.Shape[0] != (long)heads * shape.HeadWidth)
        {
            throw new UserErrorException(
                $"'{file.Path}': tensor '{entry.Name}' has {entry.Shape[0]} rows, but the configuration calls for {heads} heads of {shape.HeadWidth}. The weights and the configuration do not belong together.");
        }

        if (order == RowOrder.Transposed && entry.Shape.Length != 2)
        {
            throw new UserErrorException($"'{file.Path}': tensor '{entry.Name}' has {entry.Shape.Length} dimensions where 2 are expected. Fetch the file again.");
        }

        return new StoredTensor(file.Path, entry, order == RowOrder.Transposed, heads);
    }
}
