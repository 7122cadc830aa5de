using SplitFrozen.Protocol;

namespace SplitFrozen.Domain.Models;

/// <summary>A model folder from which nodes load the layers they own, and no others. Thread-safe; opening reads no weights.</summary>
public interface IModelSource
{
    /// <summary>Where it was read from, for messages to people.</summary>
    string Name { get; }

    /// <summary>The sizes of the model.</summary>
    ModelShape Shape { get; }

    /// <summary>Hash over configuration, tokenizer and weights (hexadecimal); equal folders give equal hashes on every node.</summary>
    string Fingerprint { get; }

    /// <summary>Loads the embeddings and blocks [0, <paramref name="blocks"/>), frozen.</summary>
    /// <param name="blocks">From 0 (embeddings only) to L.</param>
    IFrozenBlocks LoadFrozen(int blocks);

    /// <summary>Loads the blocks of a trainer stage with adapters, and with the last block the final norm and the head.</summary>
    ITrainerStage LoadTrainer(TrainerSpec spec);

    /// <summary>Writes the adapter of all stages as one PEFT folder, each file atomically: the bytes are those that a single stage writes.</summary>
    /// <param name="folder">Where to.</param>
    /// <param name="spec">Any stage's specification.</param>
    /// <param name="tensors">Every stage's <see cref="ITrainerStage.AdapterTensors"/>.</param>
    void SaveAdapter(string folder, TrainerSpec spec, IReadOnlyList<TensorData> tensors);

    /// <summary>Reads a PEFT folder for <see cref="ITrainerStage.SetAdapter"/>; throws <see cref="UserErrorException"/> where it is of another kind than the specification.</summary>
    IReadOnlyList<TensorData> ReadAdapter(string folder, TrainerSpec spec);

    /// <summary>Writes the optimisers' states of all stages to one file, atomically: the bytes are those that a single stage writes.</summary>
    void SaveOptimizer(string file, IReadOnlyList<TensorData> tensors);

    /// <summary>Reads such a file for <see cref="ITrainerStage.SetOptimizer"/>.</summary>
    IReadOnlyList<TensorData> ReadOptimizer(string file);
}

/// <summary>What is trained, and which of its blocks a stage holds.</summary>
/// <param name="Task">Which head it carries.</param>
/// <param name="Labels">Number of labels K of the classification head; 0 for language modelling.</param>
/// <param name="Cut">First block C that is trained.</param>
/// <param name="Lora">Adapters.</param>
/// <param name="WeightDecay">Decoupled weight decay of AdamW.</param>
/// <param name="ClipNorm">Largest gradient norm; 0 switches clipping off.</param>
/// <param name="Seed">Seed of the adapters' and the head's start values and of dropout masks.</param>
public sealed record TrainerSpec(
    TaskKind Task, int Labels, int Cut, LoraSpec Lora, double WeightDecay, double ClipNorm, long Seed)
{
    /// <summary>The stage's blocks, a part of [C, L); null means all of them. The stages of a run differ in nothing else.</summary>
    public BlockRange? Stage { get; init; }

    /// <summary>Whether the adapters' A stay as drawn: no gradient, no weight decay (FFA-LoRA, Sun et al. 2024).</summary>
    public bool FreezeA { get; init; }

    /// <summary>The stage's blocks in a model of so many.</summary>
    public BlockRange StageOf(int layers) => Stage ?? new BlockRange(Cut, layers);
}

/// <summary>Low-rank adapters: y = W x + (alpha / rank) · B A dropout(x) (Hu et al. 2021).</summary>
/// <param name="Rank">r, at least 1.</param>
/// <param name="Alpha">Scale numerator.</param>
/// <param name="Dropout">Probability of zeroing an input of A, in [0, 1).</param>
/// <param name="Targets">Names of the linear modules that carry adapters, such as c_attn or q_proj; empty means the family's usual ones.</param>
public sealed record LoraSpec(int Rank, double Alpha, double Dropout, IReadOnlyList<string> Targets);
