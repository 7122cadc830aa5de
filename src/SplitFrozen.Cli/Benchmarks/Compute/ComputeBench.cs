using System.Diagnostics;

using SplitFrozen.Domain.Models;
using SplitFrozen.Model;

namespace SplitFrozen.Cli.Benchmarks.Compute;

/// <summary>How near the modules come to the rate of the bare matrix products on this machine.</summary>
internal static class ComputeBench
{
    /// <summary>Its name on the command line.</summary>
    public const string Name = "compute";

    private const int LeastRounds = 12;
    private const int MostRounds = 100;
    private const int PeerRounds = 8;
    private const int BucketSamples = 8;
    private const int Samples = 16;
    private const int Length = 128;
    private const double Giga = 1e9;
    private const double SlowStepSeconds = 20;

    /// <summary>Rounds of small shapes are short: more of them are taken, for so long.</summary>
    private static readonly TimeSpan Enough = TimeSpan.FromSeconds(40);

    private static readonly ModelShape Gpt2Small = new(ModelFamily.Gpt2, 12, 768, 12, 12, 64, 3072, 1024, 1024, true, 4);
    private static readonly ModelShape SmolLm2 = new(ModelFamily.Llama, 30, 576, 9, 3, 64, 1536, 1024, 2048, true, 4);
    private static readonly ModelShape Bundled = new(ModelFamily.Gpt2, 8, 192, 6, 6, 32, 768, 8192, 128, true, 2);

    /// <summary>Measures.</summary>
    public static BenchReport Run(Action<string> tell)
    {
        TorchRuntime.UseThreads(Environment.ProcessorCount);
        var rows = new List<BenchRow>();
        var ratios = new Dictionary<string, double?>(StringComparer.Ordinal);
        var notes = new List<string>
        {
            $"{Environment.ProcessorCount} threads, {Samples} samples of {Length} tokens unless said otherwise; lower half of the blocks frozen, upper half trained, rank 8; {TorchRuntime.Versions}.",
            "Ratios are medians of the rounds' ratios; the rows show the spread.",
            "Operations by the cost model: a multiply-add counts two, attention over the full sequence, norms and element-wise functions not at all, shortcuts not as if computed.",
        };
        using (var subject = Load(tell, "GPT-2 small", Gpt2Small))
        {
            var figures = Measure(tell, subject, rows, Enumerable.Repeat(Length, Samples).ToArray(), "");
            ratios["frozen_forward_gpt2"] = figures.Frozen;
            ratios["fbw_gpt2"] = figures.Trained;
            ratios["lora_forward_gpt2"] = figures.Lora;
            ratios["optimizer_step_gpt2"] = figures.Step;
            var lengths = LengthHistogram.Draw(Samples * Length, seed: 1);
            var useful = Measure(tell, subject, rows, lengths, ", MRPC's lengths");
            ratios["useful_mrpc_gpt2"] = Math.Min(useful.Frozen, useful.Trained);
            ratios["packed_vs_bucketed_mrpc"] = PackedOverBucketed(subject, rows, lengths);
            ratios["vs_pytorch"] = Compare(tell, subject, rows, notes);
            var (spent, whole) = subject.Shortcut(subject.Batch([.. Enumerable.Repeat(Length, Samples)]));
            ratios["spent_of_whole_gpt2"] = spent / whole;
        }

        using (var subject = Load(tell, "SmolLM2-135M", SmolLm2))
        {
            var figures = Measure(tell, subject, rows, Enumerable.Repeat(Length, Samples).ToArray(), "");
            ratios["frozen_forward_smollm2"] = figures.Frozen;
            ratios["fbw_smollm2"] = figures.Trained;
            ratios["lora_forward_smollm2"] = figures.Lora;
            ratios["optimizer_step_smollm2"] = figures.Step;
        }

        using (var subject = Load(tell, "bundled model", Bundled))
        {
            ratios["fbw_bundled"] = Measure(tell, subject, rows, Enumerable.Repeat(Length, Samples).ToArray(), "").Trained;
        }

        return new BenchReport(Name, Machine.Current(), ratios, rows, notes);
    }

    private static ComputeSubject Load(Action<string> tell, string name, ModelShape shape)
    {
        tell($"Writing random weights of {name}'s shapes");
        return new ComputeSubject(name, shape);
    }

    /// <summary>
    /// Ceiling and modules by turns, in pieces of about the same length, each module beside the products that it is held against: a machine's rate changes from second to second,
    /// and a ratio is the median of the rounds' ratios.
    /// </summary>
    private static Figures Measure(Action<string> tell, ComputeSubject subject, List<BenchRow> rows, int[] lengths, string suffix)
    {
        var name = subject.Name + suffix;
        tell($"Measuring {name}: {lengths.Length} samples, {lengths.Sum()} tokens");
        using var ceiling = new GemmCeiling(subject.Shape, lengths.Sum());
        var batch = subject.Batch(lengths);
        var passes = subject.Shape.Layers / 2;
        Take(subject, ceiling, batch, passes);
        List<Round> rounds = [];
        var started = Stopwatch.GetTimestamp();
        while (rounds.Count < LeastRounds || (rounds.Count < MostRounds && Stopwatch.GetElapsedTime(started) < Enough))
        {
            rounds.Add(Take(subject, ceiling, batch, passes));
        }

        rows.Add(Gigas($"{name}: matrix products, forward", rounds.Select(r => r.Forward)));
        rows.Add(Gigas($"{name}: matrix products, forward and backward", rounds.Select(r => r.Both)));
        rows.Add(Gigas($"{name}: frozen forward", rounds.Select(r => r.Frozen)));
        rows.Add(Gigas($"{name}: LoRA forward", rounds.Select(r => r.Lora)));
        rows.Add(Gigas($"{name}: F + B + W", rounds.Select(r => r.Trained)));
        rows.Add(BenchRow.Of($"{name}: optimiser step", "ms", rounds.Select(r => 1e3 * r.StepSeconds)));
        // The step is no matrix product: its time is set beside that of what it follows.
        var spent = subject.Shortcut(batch).Spent;
        var found = new Figures(
            Ratio("frozen forward to products", r => r.Frozen / r.Forward), Ratio("LoRA forward to products", r => r.Lora / r.Forward),
            Ratio("F + B + W to products", r => r.Trained / r.Both), Ratio("optimiser step to F + B + W", r => r.StepSeconds * r.Trained / spent));
        tell(FormattableString.Invariant(
            $"{name}: frozen forward {found.Frozen:0.000}, LoRA forward {found.Lora:0.000}, F + B + W {found.Trained:0.000} of the products' rate"));
        return found;

        double Ratio(string what, Func<Round, double> of)
        {
            var row = BenchRow.Of($"{name}: {what}", "ratio", rounds.Select(of));
            rows.Add(row);
            return row.Median;
        }
    }

    private static Round Take(ComputeSubject subject, GemmCeiling ceiling, ActivationBatch batch, int passes)
    {
        var frozen = subject.FrozenForward(batch);
        var forward = ceiling.Forward(passes);
        var lora = subject.LoraForward(batch);
        var (trained, step) = subject.Train(batch);
        return new Round(frozen, forward, lora, trained, ceiling.Both(passes), step);
    }

    /// <summary>Packed samples beside buckets of samples of like lengths, each bucket a batch padded to its longest sample.</summary>
    private static double PackedOverBucketed(ComputeSubject subject, List<BenchRow> rows, int[] lengths)
    {
        var whole = subject.Batch(lengths);
        var buckets = lengths.Order().Chunk(BucketSamples).Select(bucket => subject.Batch([.. bucket.Select(_ => bucket[^1])])).ToList();
        List<double> packed = [], bucketed = [];
        for (var round = 0; round < LeastRounds; round++)
        {
            packed.Add(subject.FrozenSeconds(whole));
            bucketed.Add(buckets.Sum(subject.FrozenSeconds));
        }

        rows.Add(BenchRow.Of($"{subject.Name}, MRPC's lengths: frozen forward, packed", "s", packed));
        rows.Add(BenchRow.Of($"{subject.Name}, MRPC's lengths: frozen forward, bucketed", "s", bucketed));
        var ratio = BenchRow.Of($"{subject.Name}, MRPC's lengths: packed to bucketed", "ratio", bucketed.Zip(packed, (b, p) => b / p));
        rows.Add(ratio);
        return ratio.Median;
    }

    private static BenchRow Gigas(string name, IEnumerable<double> rates) => BenchRow.Of(name, "GFLOP/s", rates.Select(r => r / Giga));

    private static double? Compare(Action<string> tell, ComputeSubject subject, List<BenchRow> rows, List<string> notes)
    {
        using var peer = PyTorchPeer.Start(subject.Shape.Layers / 2, Samples, Length);
        if (peer is null)
        {
            notes.Add("PyTorch was not measured: /usr/bin/python3 has no torch (Debian: apt-get install python3-torch).");
            return null;
        }

        tell($"Measuring against {peer.Version}");
        var batch = subject.Batch([.. Enumerable.Repeat(Length, Samples)]);
        // A PyTorch on a reference BLAS takes minutes a step: then one round says enough.
        var rounds = peer.TrainSeconds() > SlowStepSeconds ? 1 : PeerRounds;
        subject.TrainSeconds(batch);
        List<double> ours = [], theirs = [];
        for (var round = 0; round < rounds; round++)
        {
            ours.Add(subject.TrainSeconds(batch));
            theirs.Add(peer.TrainSeconds());
        }

        rows.Add(BenchRow.Of("A LoRA step of GPT-2 small's blocks 6 to 11", "s", ours));
        rows.Add(BenchRow.Of($"The same in {peer.Version}", "s", theirs));
        var ratio = BenchRow.Of("Rate to PyTorch's", "ratio", ours.Zip(theirs, (o, t) => t / o));
        rows.Add(ratio);
        return ratio.Median;
    }

    /// <summary>One round: rates in floating-point operations a second, and the optimiser's step.</summary>
    private readonly record struct Round(double Frozen, double Forward, double Lora, double Trained, double Both, double StepSeconds);

    /// <summary>The ratios of one batch.</summary>
    private readonly record struct Figures(double Frozen, double Lora, double Trained, double Step);
}
