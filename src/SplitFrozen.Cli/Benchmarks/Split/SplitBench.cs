using SplitFrozen.Domain.Costs;
using SplitFrozen.Domain.Simulation;
using SplitFrozen.Model;

using static TorchSharp.torch;

namespace SplitFrozen.Cli.Benchmarks.Split;

/// <summary>
/// Real split steps of one sample on random weights of published shapes, the frozen half of the blocks held as stored: measured points beside what <c>experiment seqlen</c>
/// computes. The largest is Llama-3.2-1B in bf16 (2.5 GB on disk while it runs, 6 GB of memory).
/// </summary>
internal static class SplitBench
{
    /// <summary>Its name on the command line.</summary>
    public const string Name = "split";

    private const int Rounds = 3;
    private const string Reference = "gpt2-small";
    private const string Largest = "llama-3.2-1b";

    private static readonly (string Model, int[] Lengths)[] Points = [(Reference, [128, 512, 1024]), ("smollm2-135m", [128, 512, 2048]), (Largest, [128])];

    /// <summary>Measures.</summary>
    public static BenchReport Run(Action<string> tell)
    {
        TorchRuntime.UseThreads(Environment.ProcessorCount);
        var rows = new List<BenchRow>();
        var found = new Dictionary<(string Model, int Length), SplitStep>();
        foreach (var (model, lengths) in Points)
        {
            var folder = Directory.CreateTempSubdirectory("splitfrozen-bench-").FullName;
            try
            {
                Measure(tell, folder, model, lengths, rows, found);
            }
            finally
            {
                Directory.Delete(folder, recursive: true);
            }
        }

        var (small, large) = (found[(Reference, 128)], found[(Largest, 128)]);
        return new BenchReport(
            Name, Machine.Current(),
            new Dictionary<string, double?>
            {
                ["weights_vs_formula_llama_1b"] = large.WeightBytes / large.FormulaBytes,
                ["as_stored_vs_expanded_llama_1b"] = large.WeightBytes / large.ExpandedBytes,
                ["device_rate_llama_1b_vs_gpt2"] = large.DeviceRate / small.DeviceRate,
                ["server_rate_llama_1b_vs_gpt2"] = large.ServerRate / small.ServerRate,
            },
            rows,
            [
                $"One sample a step, {Rounds} steps a point after one that is not counted, {Environment.ProcessorCount} threads; random weights, fp32 for GPT-2 small and bf16 for the others; frozen line at half of the blocks; rates in operations of the cost model.",
                "weights_vs_formula: what the device holds beside the cost model's blocks and embeddings as stored and the buffer for one matrix.",
            ]);
    }

    private static void Measure(
        Action<string> tell, string folder, string model, int[] lengths, List<BenchRow> rows, Dictionary<(string Model, int Length), SplitStep> found)
    {
        var shape = KnownShapes.Find(model);
        tell($"Writing random weights of {model}'s shape");
        RandomModel.Write(folder, shape, seed: 1, shape.StoredBytesPerParameter == 2 ? ScalarType.BFloat16 : ScalarType.Float32);
        using var subject = new SplitSubject(folder, shape);
        foreach (var length in lengths)
        {
            tell($"Measuring {model}, {length} tokens");
            subject.Step(length);
            SplitStep[] steps = [.. Enumerable.Range(0, Rounds).Select(_ => subject.Step(length))];
            found[(model, length)] = steps.MinBy(step => step.DeviceSeconds + step.ServerSeconds)!;
            var name = $"{model}, {length} tokens";
            rows.Add(BenchRow.Of($"{name}: device forward", "s", steps.Select(step => step.DeviceSeconds)));
            rows.Add(BenchRow.Of($"{name}: F, B, W and step", "s", steps.Select(step => step.ServerSeconds)));
            rows.Add(BenchRow.Of($"{name}: activations at the cut, fp32", "MB", [MemoryCosts.Wire(shape, length, sizeof(float)) / 1e6]));
            rows.Add(BenchRow.Of($"{name}: weights of the device, as stored", "MB", [steps[0].WeightBytes / 1e6]));
        }
    }
}
