using SplitFrozen.Domain;
using SplitFrozen.Domain.Models;
using SplitFrozen.Model.Tests.Support;
using SplitFrozen.Protocol;

namespace SplitFrozen.Model.Tests.Training;

/// <summary>State of several stages in the files of one, and back.</summary>
public sealed class StageStateSpecs
{
    private const string Weights = "adapter_model.safetensors";

    [Theory(DisplayName = "Stages' tensors make the files that one stage writes, byte for byte")]
    [InlineData(ModelFamily.Gpt2, TaskKind.Classification)]
    [InlineData(ModelFamily.Llama, TaskKind.LanguageModel)]
    public void Should_write_one_folder(ModelFamily family, TaskKind task)
    {
        using var random = new RandomCase(family, 21, task: task);
        using var whole = Trained(random, 1);
        using var parts = Trained(random, 3);
        using var folder = new TestFolder();
        whole.Stages[0].SaveAdapter(folder.File("whole"));
        whole.Stages[0].SaveOptimizer(folder.File("whole.optimizer"));
        random.Model.SaveAdapter(folder.File("parts"), random.Spec, [.. parts.Stages.SelectMany(stage => stage.AdapterTensors())]);
        random.Model.SaveOptimizer(folder.File("parts.optimizer"), [.. parts.Stages.SelectMany(stage => stage.OptimizerTensors())]);

        foreach (string file in new[] { Weights, "adapter_config.json" })
        {
            Assert.Equal(File.ReadAllBytes(Path.Combine(folder.File("whole"), file)), File.ReadAllBytes(Path.Combine(folder.File("parts"), file)));
        }

        Assert.Equal(File.ReadAllBytes(folder.File("whole.optimizer")), File.ReadAllBytes(folder.File("parts.optimizer")));
    }

    [Fact(DisplayName = "Stages that take their part of the files go on as one stage does")]
    public void Should_continue_from_files()
    {
        using var random = new RandomCase(ModelFamily.Llama, 22, task: TaskKind.Classification);
        using var whole = Trained(random, 1);
        using var folder = new TestFolder();
        whole.Stages[0].SaveAdapter(folder.Path);
        whole.Stages[0].SaveOptimizer(folder.File("optimizer"));
        using var fromFiles = random.Stages(2);
        using var handedOver = random.Stages(3);
        foreach (var stage in fromFiles.Stages)
        {
            stage.LoadAdapter(folder.Path);
            stage.LoadOptimizer(folder.File("optimizer"));
        }

        foreach (var stage in handedOver.Stages)
        {
            stage.SetAdapter(random.Model.ReadAdapter(folder.Path, random.Spec));
            stage.SetOptimizer(random.Model.ReadOptimizer(folder.File("optimizer")));
        }

        var batch = random.Batch(7);
        double norm = Train(whole, batch);
        Assert.Equal(norm, Train(fromFiles, batch));
        Assert.Equal(norm, Train(handedOver, batch));
        Assert.Equal(whole.Values(), fromFiles.Values());
        Assert.Equal(whole.Values(), handedOver.Values());
    }

    [Fact(DisplayName = "State that does not fit is refused with its name, and changes nothing")]
    public void Should_refuse_misfits()
    {
        using var random = new RandomCase(ModelFamily.Gpt2, 23, task: TaskKind.Classification);
        using var chain = random.Stages(2);
        float[] before = chain.Values();
        var tensors = chain.Stages.SelectMany(stage => stage.AdapterTensors()).ToList();
        var (lower, upper) = (chain.Stages[0], chain.Stages[1]);

        Assert.Contains("score.weight", Refused(() => upper.SetAdapter([.. tensors.Where(t => t.Name != "score.weight")])), StringComparison.Ordinal);
        Assert.Contains("h.0.", Refused(() => lower.SetAdapter([.. tensors, tensors[0] with { Name = "transformer.h.0.attn.c_attn.lora_A.weight" }])), StringComparison.Ordinal);
        Assert.Contains(tensors[0].Name, Refused(() => lower.SetAdapter([.. tensors.Skip(1), tensors[0] with { Shape = [1, 1] }])), StringComparison.Ordinal);
        Assert.Equal(before, chain.Values());

        static string Refused(Action action) => Assert.Throws<UserErrorException>(action).Message;
    }

    private static StageChain Trained(RandomCase random, int stages)
    {
        var chain = random.Stages(stages);
        Train(chain, Fixed(random));
        return chain;
    }

    private static ActivationBatch Fixed(RandomCase random)
    {
        using var frozen = random.Model.LoadFrozen(random.Spec.Cut);
        int[][] samples = [[1, 2, 3, 4], [5, 6]];
        return random.Spec.Task == TaskKind.Classification
            ? Samples.Labelled(frozen, samples, random.Spec.Cut, [0, 1])
            : Samples.NextToken(frozen, samples, random.Spec.Cut);
    }

    private static double Train(StageChain chain, ActivationBatch batch)
    {
        var score = chain.Forward(0, 0, batch);
        chain.BackwardInput(0);
        chain.BackwardWeights(0);
        return chain.Step(1e-2, Math.Max(1, score.Targets));
    }
}
