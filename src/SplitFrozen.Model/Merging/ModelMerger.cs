using SplitFrozen.Domain;
using SplitFrozen.Model.Blocks;
using SplitFrozen.Model.Files;
using SplitFrozen.Model.Peft;
using SplitFrozen.Model.Tokenizers;
using SplitFrozen.Model.Training;
using SplitFrozen.Protocol;
using TorchSharp;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Merging;

/// <summary>Adds an adapter to its base model's weights, W + s · B A, and writes the result as a Hugging Face folder in float32.</summary>
public static class ModelMerger
{
    /// <summary>The base model that an adapter folder names, a path or a name, or null.</summary>
    /// <exception cref="UserErrorException">The folder holds no adapter that can be read.</exception>
    public static string? BaseModelOf(string adapter) => PeftAdapter.Open(adapter).BaseModel;

    /// <summary>Writes the merged model. The folder appears whole or not at all.</summary>
    /// <param name="model">The base model's folder, or a GGUF file.</param>
    /// <param name="adapter">The adapter, a PEFT folder.</param>
    /// <param name="labels">Names of a classifier's labels in the order of their ids; empty: LABEL_0, LABEL_1, …</param>
    /// <param name="output">The folder to write, which must not exist.</param>
    /// <exception cref="UserErrorException">The output exists or cannot be written, or the adapter does not fit the model.</exception>
    public static void Write(string model, string adapter, IReadOnlyList<string> labels, string output)
    {
        string target = Path.GetFullPath(output);
        if (Path.Exists(target))
        {
            throw new UserErrorException($"{target} exists. Name a folder that does not (--out), or remove it.");
        }

        var files = ModelFiles.Find(model);
        var architecture = Architecture.Read(files);
        var weights = WeightStore.Open(files, architecture, CPU);
        var peft = PeftAdapter.Open(adapter);
        try
        {
            string parent = Path.GetDirectoryName(target) ?? throw new UserErrorException($"{target} is the root of a drive. Name a folder below it (--out).");
            Directory.CreateDirectory(parent);
            string draft = Path.Combine(parent, "." + Path.GetRandomFileName());
            Directory.CreateDirectory(draft);
            try
            {
                // What may be missing first, what takes long last.
                WriteOthers(architecture, peft, files, labels, draft);
                WriteWeights(architecture, weights, peft, Path.Combine(draft, "model.safetensors"));
                Directory.Move(draft, target);
            }
            catch
            {
                Directory.Delete(draft, recursive: true);
                throw;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"The merged model cannot be written to {target}: {e.Message} Choose another place (--out), or make room.", e);
        }
    }

    private static void WriteWeights(Architecture architecture, WeightStore weights, PeftAdapter adapter, string file)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var shape = architecture.Shape(0);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var tensors = ModelTensors.Load(architecture, weights, (block, layer) =>
        {
            foreach (var (name, module) in block.Projections())
            {
                string full = $"{architecture.BlockName(layer)}.{name}";
                seen.Add(full);
                if (adapter.Modules.Contains(full))
                {
                    Merge(module, full, adapter);
                }
            }
        });
        adapter.RequireAmong(seen);
        if (adapter.Task == TaskKind.Classification)
        {
            tensors.Add(ClassificationHead.WeightName, adapter.ReadHead(shape.Width));
        }
        else if (!shape.TiedHead)
        {
            tensors.Add(architecture.LanguageHead, weights.Load(architecture.LanguageHead, shape.Vocabulary, shape.Width));
        }

        SafetensorsWriter.Write(file, tensors);
    }

    private static void Merge(Projection module, string name, PeftAdapter adapter)
    {
        using var scope = NewDisposeScope();
        var (a, b) = adapter.Read(name, module.Inputs, module.Outputs);
        using Scalar scale = adapter.Scale;
        module.AddToWeight(b.mm(a).mul_(scale));
    }

    private static void WriteOthers(Architecture architecture, PeftAdapter adapter, ModelFiles model, IReadOnlyList<string> labels, string folder)
    {
        MergedFiles.Copy(model, folder);
        if (adapter.Task == TaskKind.LanguageModel)
        {
            MergedFiles.WriteConfiguration(model, folder, architecture.LanguageModelClass);
            return;
        }

        if (labels.Count > 0 && labels.Count != adapter.Labels)
        {
            throw new UserErrorException($"The adapter in '{adapter.Folder}' tells {adapter.Labels} labels apart, but the run's data has {labels.Count}. The data was changed after the run: restore it.");
        }

        IReadOnlyList<string> names = labels.Count > 0 ? labels : [.. Enumerable.Range(0, adapter.Labels).Select(id => $"LABEL_{id}")];
        MergedFiles.WriteClassifierConfiguration(model, folder, architecture.ClassifierClass, names, TokenizerFolder.Open(model.Path));
    }
}
