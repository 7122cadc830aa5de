using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Sampling;
using SplitFrozen.Model.Training;
using SplitFrozen.Protocol;

namespace SplitFrozen.Model.Tests.Support;

/// <summary>A random model, adapters and batches, all a function of a seed, which messages name.</summary>
internal sealed class RandomCase : IDisposable
{
    private readonly TestFolder _folder = new();
    private readonly SeededRandom _random;

    /// <summary>Draws a case.</summary>
    /// <param name="family">Which architecture.</param>
    /// <param name="seed">Decides everything.</param>
    /// <param name="dropout">Of the adapters.</param>
    /// <param name="task">Drawn where it is null.</param>
    public RandomCase(ModelFamily family, long seed, double dropout = 0, TaskKind? task = null)
    {
        _random = SeededRandom.For(seed, "case");
        int groups = 1 + _random.Below(2);
        int keyValueHeads = 1 + _random.Below(3);
        int heads = family == ModelFamily.Gpt2 ? keyValueHeads : keyValueHeads * groups;
        int headWidth = 4 * (1 + _random.Below(3));
        var shape = new ModelShape(
            family, 4 + _random.Below(2), heads * headWidth, heads, family == ModelFamily.Gpt2 ? heads : keyValueHeads, headWidth,
            8 + (4 * _random.Below(8)), 20 + _random.Below(30), 24, _random.Below(2) == 0, 4);
        RandomModel.Write(_folder.Path, shape, seed);
        Model = HuggingFaceModel.Open(_folder.Path);
        string[] all = family == ModelFamily.Gpt2
            ? ["c_attn", "c_proj", "c_fc"]
            : ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];
        var chosen = (task ?? (TaskKind)_random.Below(2)) == TaskKind.Classification ? TaskKind.Classification : TaskKind.LanguageModel;
        // Ranks that kernels of our own take, and others.
        int[] ranks = [1, 2, 3, 8, 16];
        var lora = new LoraSpec(ranks[_random.Below(ranks.Length)], 8, dropout, [.. all.Where(_ => _random.Below(2) == 0).DefaultIfEmpty(all[0])]);
        Spec = new TrainerSpec(chosen, chosen == TaskKind.Classification ? 3 : 0, 1, lora, 0.01, 1, seed);
    }

    /// <summary>The model.</summary>
    public HuggingFaceModel Model { get; }

    /// <summary>What is trained.</summary>
    public TrainerSpec Spec { get; }

    /// <summary>A batch of up to five samples of random lengths.</summary>
    public ActivationBatch Batch(int keys)
    {
        int[] lengths = [.. Enumerable.Range(0, 1 + _random.Below(5)).Select(_ => 1 + _random.Below(12))];
        if (Spec.Task == TaskKind.LanguageModel)
        {
            lengths[0]++;
        }

        var samples = lengths.Select(length => Enumerable.Range(0, length).Select(_ => _random.Below(Model.Shape.Vocabulary)).ToArray()).ToArray();
        using var frozen = Model.LoadFrozen(Spec.Cut);
        var batch = Spec.Task == TaskKind.Classification
            ? Samples.Labelled(frozen, samples, Spec.Cut, [.. samples.Select(_ => _random.Below(Spec.Labels))])
            : Samples.NextToken(frozen, samples, Spec.Cut);
        return batch with { SampleKeys = [.. lengths.Select((_, i) => (100L * keys) + i)] };
    }

    /// <summary>Loads the trained part in so many stages, with random adapters (those that training starts with have no effect).</summary>
    public StageChain Stages(int count)
    {
        var stages = new BlockRange(Spec.Cut, Model.Shape.Layers).Cut(count)
            .Select(range => (TrainerStage)Model.LoadTrainer(Spec with { Stage = range })).ToArray();
        foreach (var trainable in stages.SelectMany(stage => stage.Trainables))
        {
            RandomNumbers.Fill(trainable.Value, trainable.Name, 0.3);
        }

        return new StageChain(stages);
    }

    /// <summary>A number below a bound, from the case's own sequence.</summary>
    public int Below(int bound) => _random.Below(bound);

    /// <inheritdoc/>
    public void Dispose() => _folder.Dispose();
}
