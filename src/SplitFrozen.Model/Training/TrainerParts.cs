using SplitFrozen.Domain;
using SplitFrozen.Domain.Models;
using SplitFrozen.Model.Blocks;
using SplitFrozen.Model.Files;
using SplitFrozen.Model.Lora;
using SplitFrozen.Protocol;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Training;

/// <summary>The loaded modules of a trainer stage.</summary>
internal sealed class TrainerParts : IDisposable
{
    private TrainerParts(string modelName, IReadOnlyList<Block> blocks, TrainableSet trainables, Ending? ending)
    {
        ModelName = modelName;
        Blocks = blocks;
        Trainables = trainables;
        Ending = ending;
    }

    /// <summary>Name of the base model, for the adapter's configuration.</summary>
    public string ModelName { get; }

    /// <summary>The stage's blocks.</summary>
    public IReadOnlyList<Block> Blocks { get; }

    /// <summary>Adapters, a group a block, and on the last stage of a classifier the head as the last group.</summary>
    public TrainableSet Trainables { get; }

    /// <summary>What follows the last block; null on other stages.</summary>
    public Ending? Ending { get; }

    /// <summary>Loads what a specification asks for.</summary>
    /// <exception cref="UserErrorException">The specification does not fit the model, or weights are missing.</exception>
    public static TrainerParts Load(Architecture architecture, WeightStore weights, TrainerSpec spec, string modelName, Device device)
    {
        var shape = architecture.Shape(0);
        Check(spec, shape);
        var stage = spec.StageOf(shape.Layers);
        bool isLast = stage.To == shape.Layers;
        List<Block> blocks = [];
        for (int layer = stage.From; layer < stage.To; layer++)
        {
            blocks.Add(architecture.LoadBlock(weights, layer));
        }

        var names = spec.Lora.Targets.Count > 0 ? spec.Lora.Targets : architecture.UsualTargets;
        var targets = blocks.ConvertAll(block => LoraTargets.Select(block, names)
            .Select(target => ($"{architecture.BlockName(stage.From + blocks.IndexOf(block))}.{target.Name}", target.Module)).ToArray());
        var trainables = new TrainableSet([.. Shapes(targets, spec, shape.Width, isLast)], device);
        Attach([.. targets.SelectMany(target => target)], trainables, spec);
        var ending = isLast
            ? new Ending(architecture.LoadFinalNorm(weights), LoadHead(architecture, weights, trainables, spec, shape))
            : null;
        return new TrainerParts(modelName, blocks, trainables, ending);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var block in Blocks)
        {
            block.Dispose();
        }

        Ending?.Dispose();
        Trainables.Dispose();
    }

    private static void Check(TrainerSpec spec, ModelShape shape)
    {
        if (spec.Cut < 0 || spec.Cut >= shape.Layers)
        {
            throw new UserErrorException($"splitfrozen.model.cut is {spec.Cut}, but the model has {shape.Layers} blocks; at least one must be trained. Set it to a number from 1 to {shape.Layers - 1}.");
        }

        if (spec.StageOf(shape.Layers) is var stage && (stage.From < spec.Cut || stage.Count < 1 || stage.To > shape.Layers))
        {
            throw new ArgumentException($"A stage of blocks {stage} is not part of the trained blocks {spec.Cut}..{shape.Layers}.", nameof(spec));
        }

        if (spec.Lora.Rank < 1)
        {
            throw new UserErrorException($"splitfrozen.lora.rank is {spec.Lora.Rank}; it must be at least 1.");
        }

        if (spec.Lora.Dropout is not (>= 0 and < 1))
        {
            throw new UserErrorException($"splitfrozen.lora.dropout is {spec.Lora.Dropout}; it must be at least 0 and below 1.");
        }

        if (spec.Task == TaskKind.Classification && spec.Labels < 1)
        {
            throw new UserErrorException("The data has no labels, but the task is classification. Check splitfrozen.data.path and splitfrozen.data.columns.label.");
        }
    }

    private static IEnumerable<IReadOnlyList<(string Name, long[] Shape)>> Shapes(
        List<(string Name, Projection Module)[]> targets, TrainerSpec spec, int width, bool isLast)
    {
        foreach (var block in targets)
        {
            yield return [.. block.SelectMany<(string Name, Projection Module), (string, long[])>(target =>
            [
                (LoraNames.A(target.Name), [spec.Lora.Rank, target.Module.Inputs]),
                (LoraNames.B(target.Name), [target.Module.Outputs, spec.Lora.Rank]),
            ])];
        }

        if (isLast && spec.Task == TaskKind.Classification)
        {
            yield return [(ClassificationHead.WeightName, [spec.Labels, width])];
        }
    }

    private static void Attach((string Name, Projection Module)[] targets, TrainableSet trainables, TrainerSpec spec)
    {
        for (int i = 0; i < targets.Length; i++)
        {
            var (a, b) = (trainables.Members[2 * i], trainables.Members[(2 * i) + 1]);
            StartValues.FillA(a, spec.Seed);
            targets[i].Module.Adapter = new LoraAdapter(targets[i].Name, a, b, spec.Lora.Alpha / spec.Lora.Rank) { IsAFrozen = spec.FreezeA };
        }
    }

    private static Head LoadHead(Architecture architecture, WeightStore weights, TrainableSet trainables, TrainerSpec spec, ModelShape shape)
    {
        if (spec.Task == TaskKind.LanguageModel)
        {
            return new LanguageHead(weights.Load(architecture.LanguageHead, shape.Vocabulary, shape.Width));
        }

        var head = trainables.Members[^1];
        if (weights.Contains(ClassificationHead.WeightName, spec.Labels, shape.Width))
        {
            using var stored = weights.Load(ClassificationHead.WeightName, spec.Labels, shape.Width);
            head.Value.copy_(stored);
        }
        else
        {
            StartValues.FillHead(head, architecture.InitializerRange, spec.Seed);
        }

        return new ClassificationHead(head);
    }
}
