using SplitFrozen.Model.Blocks;
using SplitFrozen.Model.Files;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Merging;

/// <summary>All tensors of a model in float32 under the names that Hugging Face gives them, whatever form they are stored in.</summary>
internal static class ModelTensors
{
    /// <summary>Loads the embeddings, all blocks and the final norm.</summary>
    /// <param name="architecture">The model's family and sizes.</param>
    /// <param name="weights">Its weights.</param>
    /// <param name="onBlock">May change a block's projections before they are taken; given the block's number.</param>
    /// <returns>Tensors by name; they belong to the dispose scope that is open.</returns>
    public static Dictionary<string, Tensor> Load(Architecture architecture, WeightStore weights, Action<Block, int> onBlock)
    {
        var tensors = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        Take(tensors, architecture.LoadEmbeddings(weights), architecture.BasePrefix);
        for (int layer = 0; layer < architecture.Shape(0).Layers; layer++)
        {
            var block = architecture.LoadBlock(weights, layer);
            onBlock(block, layer);
            Take(tensors, block, architecture.BlockName(layer) + ".");
        }

        Take(tensors, architecture.LoadFinalNorm(weights), architecture.FinalNorm + ".");
        return tensors;
    }

    /// <summary>Takes a module's parameters; the module itself is dropped.</summary>
    /// <remarks>Torch also lists modules under the names of the fields that hold them; those begin with an underscore.</remarks>
    private static void Take(Dictionary<string, Tensor> tensors, nn.Module module, string prefix)
    {
        using (module)
        {
            foreach (var (name, parameter) in module.named_parameters().Where(p => !p.name.Split('.').Any(part => part.StartsWith('_'))))
            {
                tensors.Add(prefix + name, parameter.detach().alias());
            }
        }
    }
}
