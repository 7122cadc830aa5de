using SplitFrozen.Domain;
using SplitFrozen.Domain.Models;
using SplitFrozen.Model.Blocks;
using SplitFrozen.Model.Files;
using SplitFrozen.Model.Gguf;
using SplitFrozen.Model.Gpt2;
using SplitFrozen.Model.Llama;
using SplitFrozen.Model.Lora;
using static TorchSharp.torch;

namespace SplitFrozen.Model;

/// <summary>What a model family is made of: the parts that frozen blocks and trainer stages are put together from.</summary>
internal abstract class Architecture
{
    /// <summary>Prefix of the base model's tensor names in a file of the whole model.</summary>
    public abstract string BasePrefix { get; }

    /// <summary>Linear modules that carry adapters where the user names none.</summary>
    public abstract IReadOnlyList<string> UsualTargets { get; }

    /// <summary>How the weights of linear modules are stored.</summary>
    public abstract WeightOrder Order { get; }

    /// <summary>Standard deviation of a new head's weights.</summary>
    public abstract double InitializerRange { get; }

    /// <summary>Name of the tensor that holds the language-model head [V, D].</summary>
    public abstract string LanguageHead { get; }

    /// <summary>Name of the norm between the last block and the head, such as <c>transformer.ln_f</c>.</summary>
    public abstract string FinalNorm { get; }

    /// <summary>What Hugging Face calls the family's language model, such as <c>GPT2LMHeadModel</c>.</summary>
    public abstract string LanguageModelClass { get; }

    /// <summary>What Hugging Face calls the family's classifier, such as <c>GPT2ForSequenceClassification</c>.</summary>
    public abstract string ClassifierClass { get; }

    /// <summary>The sizes.</summary>
    /// <param name="storedBytes">Bytes a parameter takes in the files.</param>
    public abstract ModelShape Shape(double storedBytes);

    /// <summary>Name of block <paramref name="layer"/>, such as <c>transformer.h.3</c>.</summary>
    public abstract string BlockName(int layer);

    /// <summary>Loads the embeddings.</summary>
    public abstract Embeddings LoadEmbeddings(WeightStore weights);

    /// <summary>Loads block <paramref name="layer"/>.</summary>
    public abstract Block LoadBlock(WeightStore weights, int layer);

    /// <summary>Loads the norm between the last block and the head.</summary>
    public abstract Norm LoadFinalNorm(WeightStore weights);

    /// <summary>Prepares what all blocks of a pass share.</summary>
    public virtual ForwardPass Begin(RaggedLayout layout, Device device, LoraTape? tape = null) => new(layout, tape);

    /// <summary>Prepares a pass over further rows of texts whose earlier rows are held.</summary>
    public virtual ForwardPass Begin(RaggedLayout layout, Device device, IHeldRows cache) => new(layout) { Cache = cache };

    /// <summary>Reads config.json in the older or the newest form, or a GGUF file's metadata where there is none.</summary>
    /// <exception cref="UserErrorException">There is neither, it cannot be read, or the architecture is unknown.</exception>
    public static Architecture Read(ModelFiles files)
    {
        string path = files.In("config.json");
        var gguf = File.Exists(path) ? null : files.OpenGguf();
        if (gguf is null && !File.Exists(path))
        {
            throw new UserErrorException($"The model folder '{files.Path}' has no config.json. Set splitfrozen.model.path (or --model) to a Hugging Face model folder or a GGUF file.");
        }

        var json = gguf is null ? ConfigJson.Read(path) : GgufConfig.Read(gguf);
        return (json.Text("model_type") ?? (json.Texts("architectures") is [var first, ..] ? first : null)) switch
        {
            "gpt2" or "GPT2LMHeadModel" or "GPT2Model" => new Gpt2Architecture(Gpt2Config.Read(json)),
            "llama" or "LlamaForCausalLM" or "LlamaModel" => new LlamaArchitecture(ReadLlama(json, gguf)),
            var other => throw json.Unsupported("model_type", other is null ? "absent" : $"'{other}'", "gpt2 and llama (Llama 2 and 3, SmolLM2)"),
        };
    }

    private static LlamaConfig ReadLlama(ConfigJson json, GgufFile? gguf)
    {
        var config = LlamaConfig.Read(json);
        return gguf is not null && GgufConfig.ReadRotaryDivisors(gguf) is { } divisors
            ? config with { Rotary = config.Rotary.Divided(divisors, config.HeadWidth, gguf.Path) }
            : config;
    }
}
