using SplitFrozen.Domain;
using SplitFrozen.Model.Files;
using SplitFrozen.Model.Lora;
using SplitFrozen.Model.Training;
using SplitFrozen.Protocol;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Peft;

/// <summary>
/// A LoRA folder of huggingface/peft, ours or another's, as its own files describe it: which modules it changes is told by the names of its tensors.
/// Opening reads the configuration and the header; tensors are read when asked for.
/// </summary>
internal sealed class PeftAdapter
{
    private const string SuffixA = ".lora_A.weight";
    private const string SuffixB = ".lora_B.weight";

    private readonly SafetensorsFile _file;
    private readonly Dictionary<string, TensorEntry> _entries = new(StringComparer.Ordinal);

    private PeftAdapter(string folder, ConfigJson config, SafetensorsFile file)
    {
        Folder = folder;
        BaseModel = config.Text("base_model_name_or_path");
        (Scale, var rank) = ReadScale(config);
        _file = file;
        foreach (var entry in file.Entries.Values)
        {
            _entries[PeftFolder.Canonical(entry.Name)] = entry;
        }

        Modules = [.. _entries.Keys.Where(name => name.EndsWith(SuffixA, StringComparison.Ordinal)).Select(name => name[..^SuffixA.Length]).Order(StringComparer.Ordinal)];
        Task = config.Text("task_type") == "SEQ_CLS" || _entries.ContainsKey(ClassificationHead.WeightName) ? TaskKind.Classification : TaskKind.LanguageModel;
        CheckNames();
        CheckRank(rank);
    }

    /// <summary>Where it was read from.</summary>
    public string Folder { get; }

    /// <summary>What the adapter says its base model is: a path or a name; null where it says nothing.</summary>
    public string? BaseModel { get; }

    /// <summary>What it was trained for.</summary>
    public TaskKind Task { get; }

    /// <summary>s of y = W x + s · B A x.</summary>
    public double Scale { get; }

    /// <summary>Full names of the modules that it changes, such as <c>transformer.h.4.attn.c_attn</c>, sorted.</summary>
    public IReadOnlyList<string> Modules { get; }

    /// <summary>Labels of its classification head; 0 without one.</summary>
    public int Labels => _entries.TryGetValue(ClassificationHead.WeightName, out var head) ? (int)head.Shape[0] : 0;

    /// <summary>Opens a folder with adapter_config.json and adapter_model.safetensors.</summary>
    /// <exception cref="UserErrorException">A file is missing or damaged, or the adapter is of a kind that is not known here.</exception>
    public static PeftAdapter Open(string folder)
    {
        var config = ConfigJson.Read(Path.Combine(folder, PeftConfig.FileName));
        return new PeftAdapter(folder, config, SafetensorsFile.Open(Path.Combine(folder, PeftFolder.WeightsFile)));
    }

    /// <summary>Reads A [r, in] and B [out, r] of a module; the caller owns them.</summary>
    /// <exception cref="UserErrorException">Their shapes do not fit the module.</exception>
    public (Tensor A, Tensor B) Read(string module, int inputs, int outputs)
    {
        var (a, b) = (_entries[LoraNames.A(module)], _entries[LoraNames.B(module)]);
        if (a.Shape is not [var rank, var width] || width != inputs || b.Shape is not [var height, var inner] || height != outputs || inner != rank)
        {
            throw Misfit($"'{module}' has A [{string.Join(", ", a.Shape)}] and B [{string.Join(", ", b.Shape)}], but the model's module maps {inputs} to {outputs}");
        }

        return (_file.Read(a), _file.Read(b));
    }

    /// <summary>Reads the classification head [K, D]; the caller owns it.</summary>
    /// <exception cref="UserErrorException">There is none, or its shape does not fit the model.</exception>
    public Tensor ReadHead(int width) =>
        !_entries.TryGetValue(ClassificationHead.WeightName, out var head) ? throw Misfit($"it is for classification, but lacks '{ClassificationHead.WeightName}'")
            : head.Shape is [_, var inputs] && inputs == width ? _file.Read(head)
            : throw Misfit($"its head is [{string.Join(", ", head.Shape)}], but the model's width is {width}");

    /// <summary>Throws <see cref="UserErrorException"/> where a module is not among those of the model.</summary>
    public void RequireAmong(IReadOnlySet<string> modules)
    {
        if (Modules.FirstOrDefault(module => !modules.Contains(module)) is { } unknown)
        {
            throw Misfit($"it changes '{unknown}', which the model does not have");
        }
    }

    private void CheckNames()
    {
        foreach (string name in _entries.Keys)
        {
            bool isKnown = name == ClassificationHead.WeightName
                || (name.EndsWith(SuffixA, StringComparison.Ordinal) && _entries.ContainsKey(LoraNames.B(name[..^SuffixA.Length])))
                || (name.EndsWith(SuffixB, StringComparison.Ordinal) && _entries.ContainsKey(LoraNames.A(name[..^SuffixB.Length])));
            if (!isKnown)
            {
                throw Misfit($"it holds '{_entries[name].Name}', which is neither half of a pair of LoRA matrices nor a classification head");
            }
        }
    }

    private void CheckRank(int rank)
    {
        if (Modules.Count == 0)
        {
            throw Misfit("it holds no LoRA matrices");
        }

        if (Modules.FirstOrDefault(module => _entries[LoraNames.A(module)].Shape is not [var rows, _] || rows != rank) is { } other)
        {
            throw Misfit($"its configuration says r = {rank}, but '{_entries[LoraNames.A(other)].Name}' is [{string.Join(", ", _entries[LoraNames.A(other)].Shape)}]");
        }
    }

    private static (double Scale, int Rank) ReadScale(ConfigJson config)
    {
        PeftConfig.RequirePlain(config);
        int rank = config.Integer("r", 1, int.MaxValue);
        double alpha = config.Number("lora_alpha", double.MinValue, double.MaxValue);
        return (alpha / (config.Flag("use_rslora", false) ? Math.Sqrt(rank) : rank), rank);
    }

    private UserErrorException Misfit(string what) =>
        new($"The adapter in '{Folder}' does not fit: {what}. Use the adapter with the base model that it was made for.");
}
