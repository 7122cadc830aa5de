using System.Diagnostics;

using SplitFrozen.Domain.Models;
using SplitFrozen.Model;

namespace SplitFrozen.Cli.Benchmarks.Memory;

/// <summary>What one device process of the benchmark found of itself.</summary>
/// <param name="WeightBytes">Bytes of weights that it holds.</param>
/// <param name="StartBytes">Largest resident set before the model was opened: .NET and libtorch.</param>
/// <param name="PeakBytes">Largest resident set to the end, after a forward unit was run.</param>
internal sealed record MemoryReport(long WeightBytes, long StartBytes, long PeakBytes);

/// <summary>A device's model and what it does with it: forward units of the usual size.</summary>
internal sealed class MemorySubject : IDisposable
{
    /// <summary>Tokens of a unit, as splitfrozen.pipeline.unit-tokens has them.</summary>
    public const int Tokens = 2048;

    private const int Length = 128;

    private readonly IFrozenBlocks _blocks;
    private readonly int[] _tokens;
    private readonly int[] _lengths = [.. Enumerable.Repeat(Length, Tokens / Length)];
    private readonly float[] _output;

    /// <summary>Loads the first blocks of a model.</summary>
    public MemorySubject(HuggingFaceModel model, int blocks, WeightHolding holding)
    {
        _blocks = model.Holding(holding).LoadFrozen(blocks);
        _output = new float[Tokens * _blocks.Width];
        var random = new Random(1);
        _tokens = [.. Enumerable.Range(0, Tokens).Select(_ => random.Next(model.Shape.Vocabulary))];
    }

    /// <summary>Bytes of weights held.</summary>
    public long WeightBytes => _blocks.WeightBytes;

    /// <summary>What the last unit gave.</summary>
    public ReadOnlySpan<float> Output => _output;

    /// <summary>Measures this process, which should have done nothing else.</summary>
    public static MemoryReport Measure(string path, int blocks, WeightHolding holding)
    {
        TorchRuntime.Probe();
        var start = Peak();
        using var subject = new MemorySubject(HuggingFaceModel.Open(path), blocks, holding);
        subject.RunSeconds();
        return new MemoryReport(subject.WeightBytes, start, Peak());
    }

    /// <summary>Runs a unit through all blocks.</summary>
    public double RunSeconds()
    {
        var start = Stopwatch.GetTimestamp();
        _blocks.Embed(_tokens, _lengths, _blocks.Blocks, _output);
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    public void Dispose() => _blocks.Dispose();

    private static long Peak()
    {
        using var process = Process.GetCurrentProcess();
        return process.PeakWorkingSet64;
    }
}
