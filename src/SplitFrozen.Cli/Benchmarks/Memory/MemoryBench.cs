using SplitFrozen.Cli.Composing;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Simulation;
using SplitFrozen.Model;

namespace SplitFrozen.Cli.Benchmarks.Memory;

/// <summary>
/// Memory of device processes that hold frozen blocks expanded or as stored, and the time that the latter costs. GPT-2 small in fp16, and
/// SmolLM2-135M in Q4_1 and Q8_0: shapes with random weights, or a model of the user's in place of the second.
/// </summary>
internal sealed class MemoryBench(Action<string> tell)
{
    /// <summary>Name on the command line.</summary>
    public const string Name = "memory";

    /// <summary>Threads of a matrix product: the program's default.</summary>
    public const int Threads = 1;

    private const string Gpt2 = "GPT-2 small, fp16";
    private const double MegaBytes = 1e6;
    private const int Processes = 2;
    private const int TimedRounds = 5;

    private static readonly int[] Gpt2Blocks = [3, 6, 12];

    private readonly List<BenchRow> _rows = [];

    /// <summary>Measures.</summary>
    /// <param name="model">A model in place of random SmolLM2 weights, or null.</param>
    /// <param name="tell">Says what it is at.</param>
    public static BenchReport Run(string? model, Action<string> tell)
    {
        NativeLibraryCheck.Require();
        TorchRuntime.UseThreads(Threads);
        var folder = Directory.CreateTempSubdirectory("splitfrozen-bench-").FullName;
        try
        {
            return new MemoryBench(tell).Run(model, folder);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private BenchReport Run(string? model, string folder)
    {
        tell("Writing random weights of GPT-2 small's shapes");
        var large = Directory.CreateDirectory(Path.Combine(folder, "gpt2")).FullName;
        RandomModel.Write(large, KnownShapes.Find("gpt2-small"), seed: 1, TorchSharp.torch.ScalarType.Float16);
        var small = model ?? Path.Combine(folder, "smollm2.gguf");
        if (model is null)
        {
            tell("Writing random weights of SmolLM2-135M's shapes");
            RandomGguf.WriteSmolLm2(small);
        }

        var smallName = model is null ? "SmolLM2-135M, Q4_1" : Path.GetFileName(Path.TrimEndingDirectorySeparator(model));
        var layers = HuggingFaceModel.Open(small).Shape.Layers;
        var gpt2 = Gpt2Blocks.ToDictionary(blocks => blocks, blocks => Both(Gpt2, large, blocks, Gpt2Blocks[^1]));
        var half = Both(smallName, small, layers / 2, layers);
        Both(smallName, small, layers, layers);
        var full = gpt2[Gpt2Blocks[^1]].Expanded.WeightBytes;
        var ratios = new Dictionary<string, double?>
        {
            ["as_stored_vs_expanded_smollm2"] = (double)half.AsStored.WeightBytes / half.Expanded.WeightBytes,
            ["as_stored_vs_expanded_smollm2_peak"] = (double)half.AsStored.PeakBytes / half.Expanded.PeakBytes,
            ["device3_vs_full_gpt2"] = (double)gpt2[Gpt2Blocks[0]].Expanded.WeightBytes / full,
            ["device3_as_stored_vs_full_gpt2"] = (double)gpt2[Gpt2Blocks[0]].AsStored.WeightBytes / full,
            ["as_stored_time_smollm2"] = TimePrice(smallName, small, layers / 2),
        };
        return new BenchReport(Name, Machine.Current(), ratios, _rows,
        [
            $"Weights are what a device holds: embeddings and its blocks, and as stored the buffer in which a matrix is expanded. Peaks are the largest resident set of a process of its own that ran a unit of {MemorySubject.Tokens} tokens on {Threads} thread; {Processes} processes each.",
            "The whole model is all blocks: its head shares the embeddings, and the final norm has a few kilobytes.",
            "device3 ratios: weights of a device with three blocks (expanded; as stored) to those of the whole model, expanded.",
        ]);
    }

    /// <summary>Device processes with some blocks of a model, in both ways.</summary>
    private (MemoryReport Expanded, MemoryReport AsStored) Both(string name, string path, int blocks, int layers) =>
        (Processed(name, path, blocks, layers, WeightHolding.Expanded), Processed(name, path, blocks, layers, WeightHolding.AsStored));

    private MemoryReport Processed(string name, string path, int blocks, int layers, WeightHolding holding)
    {
        var what = $"{name}, {(blocks == layers ? "whole model" : $"{blocks} of {layers} blocks")}, {(holding == WeightHolding.AsStored ? "as stored" : "expanded")}";
        tell($"Measuring processes with {what}");
        MemoryReport[] reports = [.. Enumerable.Range(0, Processes).Select(_ => MemoryCommand.RunProcess(path, blocks, holding))];
        _rows.Add(BenchRow.Of($"{what}: weights", "MB", reports.Select(report => report.WeightBytes / MegaBytes)));
        _rows.Add(BenchRow.Of($"{what}: peak", "MB", reports.Select(report => report.PeakBytes / MegaBytes)));
        _rows.Add(BenchRow.Of($"{what}: peak above start", "MB", reports.Select(report => (report.PeakBytes - report.StartBytes) / MegaBytes)));
        return reports.MinBy(report => report.PeakBytes)!;
    }

    /// <summary>Time of a unit as stored to that expanded, measured in turn; the outputs must be the same.</summary>
    private double TimePrice(string name, string path, int blocks)
    {
        tell($"Timing {name}");
        var model = HuggingFaceModel.Open(path);
        using var expanded = new MemorySubject(model, blocks, WeightHolding.Expanded);
        using var stored = new MemorySubject(model, blocks, WeightHolding.AsStored);
        expanded.RunSeconds();
        stored.RunSeconds();
        if (!expanded.Output.SequenceEqual(stored.Output))
        {
            throw new InvalidOperationException("Weights held as stored gave another output than expanded ones.");
        }

        List<double> plain = [], packed = [];
        for (var round = 0; round < TimedRounds; round++)
        {
            plain.Add(expanded.RunSeconds());
            packed.Add(stored.RunSeconds());
        }

        _rows.Add(BenchRow.Of($"{name}, {blocks} blocks, {MemorySubject.Tokens} tokens, expanded", "s", plain));
        _rows.Add(BenchRow.Of($"{name}, {blocks} blocks, {MemorySubject.Tokens} tokens, as stored", "s", packed));
        var ratio = BenchRow.Of("Time as stored to expanded, round by round", "ratio", packed.Zip(plain, (p, e) => p / e));
        _rows.Add(ratio);
        return ratio.Median;
    }
}
