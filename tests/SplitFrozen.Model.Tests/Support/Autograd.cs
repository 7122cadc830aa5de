using SplitFrozen.Domain.Models;
using SplitFrozen.Model.Blocks;
using SplitFrozen.Model.Files;
using SplitFrozen.Model.Lora;
using SplitFrozen.Model.Training;
using SplitFrozen.Protocol;
using TorchSharp;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Tests.Support;

/// <summary>
/// Loss and gradients by torch's ordinary reverse pass, each sample on its own: A, B and the head are leaves of one graph, the last block is computed for all
/// rows, and the loss is torch's own.
/// </summary>
internal static class Autograd
{
    /// <summary>The sum of losses and its gradients by name, of some batches.</summary>
    public static (double Loss, Dictionary<string, float[]> Gradients) Run(RandomCase random, int step, IReadOnlyList<ActivationBatch> batches)
    {
        using var scope = NewDisposeScope();
        var files = ModelFiles.Find(random.Model.Name);
        var architecture = Architecture.Read(files);
        var weights = WeightStore.Open(files, architecture, CPU);
        using var parts = TrainerParts.Load(architecture, weights, random.Spec, "reference", CPU);
        foreach (var member in parts.Trainables.Members)
        {
            RandomNumbers.Fill(member.Value, member.Name, 0.3);
            member.Value.requires_grad_(true);
        }

        double sum = 0;
        foreach (var batch in batches)
        {
            for (int sample = 0; sample < batch.Lengths.Length; sample++)
            {
                using var loss = Loss(random, architecture, parts, step, Alone(batch, sample, random));
                if (loss is not null)
                {
                    loss.backward();
                    sum += loss.item<float>();
                }
            }
        }

        return (sum, parts.Trainables.Members.ToDictionary(
            member => member.Name, member => (member.Value.grad ?? zeros_like(member.Value)).Numbers()));
    }

    /// <summary>One sample of a batch as a batch.</summary>
    public static ActivationBatch Alone(ActivationBatch batch, int sample, RandomCase random)
    {
        int width = random.Model.Shape.Width;
        int start = batch.Lengths[..sample].Sum();
        int end = start + batch.Lengths[sample];
        return new ActivationBatch(
            batch.Values[(start * width)..(end * width)], [end - start],
            random.Spec.Task == TaskKind.Classification ? [batch.Targets[sample]] : batch.Targets[start..end], [batch.SampleKeys[sample]]);
    }

    private static Tensor? Loss(RandomCase random, Architecture architecture, TrainerParts parts, int step, ActivationBatch sample)
    {
        var layout = new RaggedLayout(sample.Lengths, random.Model.Shape.Context, CPU);
        double rate = random.Spec.Lora.Dropout;
        var dropout = rate > 0 ? new LoraDropout(rate, random.Spec.Seed, step, sample.SampleKeys) : null;
        var pass = architecture.Begin(layout, CPU, new LoraTape(dropout));
        var rows = torch.tensor(sample.Values.ToArray()).view(layout.Rows, -1);
        foreach (var block in parts.Blocks)
        {
            rows = block.Forward(rows, pass);
        }

        var ending = parts.Ending ?? throw new InvalidOperationException("The reference has all blocks.");
        int[] needed = ending.Head.Rows(sample.Targets, layout);
        if (needed.Length == 0)
        {
            return null;
        }

        var logits = ending.Head.Logits(ending.Norm.Forward(rows).index_select(0, torch.tensor(needed.Select(row => (long)row).ToArray())));
        return nn.functional.cross_entropy(logits, torch.tensor(ending.Head.Targets(sample.Targets)), reduction: nn.Reduction.Sum);
    }
}
