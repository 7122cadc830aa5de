using System.Buffers;
using System.Runtime.Intrinsics;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Blocks;

/// <summary>Where heads of rows lie in memory.</summary>
/// <param name="start">Row 0, head 0.</param>
/// <param name="row">Numbers from one row to the next.</param>
/// <param name="head">Numbers from one head to the next.</param>
internal readonly unsafe struct HeadRows(float* start, nint row, nint head)
{
    /// <summary>Numbers from one row to the next.</summary>
    public nint Row => row;

    /// <summary>Of a tensor [T, H, Dh] of float32 in main memory with any strides over rows and heads; the caller keeps it alive.</summary>
    public static HeadRows Of(Tensor heads) => new((float*)TensorMemory.FirstNumber(heads), (nint)heads.stride(0), (nint)heads.stride(1));

    /// <summary>A row of a head.</summary>
    public float* At(long ofRow, long ofHead) => start + (ofRow * row) + (ofHead * head);
}

/// <summary>Sizes of an attention over ragged rows.</summary>
/// <param name="Heads">Query heads H.</param>
/// <param name="Groups">Key and value heads Hkv.</param>
/// <param name="Width">Dh, a multiple of <see cref="SmallProducts.Lanes"/>.</param>
/// <param name="Lengths">Rows of each sample.</param>
/// <param name="Threads">Threads to use; changes nothing in the result.</param>
internal sealed record AttentionShape(int Heads, int Groups, int Width, long[] Lengths, int Threads)
{
    /// <summary>Of queries [T, H, Dh] and keys [T, Hkv, Dh].</summary>
    public static AttentionShape Of(Tensor query, Tensor key, long[] lengths) =>
        new((int)query.shape[1], (int)key.shape[1], (int)query.shape[2], lengths, TorchRuntime.Threads);
}

/// <summary>
/// Causal attention and its gradient, for each sample and head on its own: a sample's bits depend on nothing else. Queries are taken in blocks of rows, each against
/// the keys up to its end; the way back computes the probabilities again, so that F keeps queries, keys and values only.
/// </summary>
internal static unsafe class AttentionKernels
{
    private const int BlockRows = 32;
    private const int Padding = 2 * SmallProducts.Lanes;

    /// <summary>out = softmax(q kᵀ / √Dh + causal mask) v.</summary>
    public static void Forward(AttentionShape shape, HeadRows query, HeadRows key, HeadRows value, HeadRows output) =>
        ForEach(shape, (sample, scratch) =>
        {
            var keys = sample.Pack(key, scratch.Keys, sample.Scale);
            for (int head = sample.FirstHead; head < sample.EndHead; head++)
            {
                for (int start = 0; start < sample.Length; start += BlockRows)
                {
                    int rows = Math.Min(BlockRows, sample.Length - start);
                    Probabilities(sample, query, keys, head, start, rows, scratch.Probabilities);
                    SmallProducts.Run(
                        new(scratch.Probabilities, sample.Pitch, 1), value.At(sample.FirstRow, sample.Group), value.Row,
                        output.At(sample.FirstRow + start, head), output.Row, rows, shape.Width, start + rows, adds: false);
                }
            }
        });

    /// <summary>Gradients with respect to queries, keys and values.</summary>
    public static void Backward(
        AttentionShape shape, HeadRows query, HeadRows key, HeadRows value, HeadRows gradient, HeadRows queryGradient, HeadRows keyGradient, HeadRows valueGradient) =>
        ForEach(shape, (sample, scratch) =>
        {
            var keys = sample.Pack(key, scratch.Keys, sample.Scale);
            var values = sample.Pack(value, scratch.Values, 1);
            float* keySums = keyGradient.At(sample.FirstRow, sample.Group);
            float* valueSums = valueGradient.At(sample.FirstRow, sample.Group);
            sample.Clear(keyGradient);
            sample.Clear(valueGradient);
            for (int head = sample.FirstHead; head < sample.EndHead; head++)
            {
                for (int start = 0; start < sample.Length; start += BlockRows)
                {
                    int rows = Math.Min(BlockRows, sample.Length - start);
                    int seen = start + rows;
                    float* above = gradient.At(sample.FirstRow + start, head);
                    Probabilities(sample, query, keys, head, start, rows, scratch.Probabilities);
                    SmallProducts.Run(new(above, gradient.Row, 1), values, sample.Pitch, scratch.Slopes, sample.Pitch, rows, RoundUp(seen), shape.Width, adds: false);
                    SmallProducts.Run(
                        new(scratch.Probabilities, 1, sample.Pitch), above, gradient.Row, valueSums, valueGradient.Row, seen, shape.Width, rows, adds: true);
                    ThroughSoftmax(scratch.Probabilities, scratch.Slopes, sample, rows, RoundUp(seen));
                    SmallProducts.Run(
                        new(scratch.Slopes, sample.Pitch, 1), key.At(sample.FirstRow, sample.Group), key.Row,
                        queryGradient.At(sample.FirstRow + start, head), queryGradient.Row, rows, shape.Width, seen, adds: false);
                    SmallProducts.Run(
                        new(scratch.Slopes, 1, sample.Pitch), query.At(sample.FirstRow + start, head), query.Row,
                        keySums, keyGradient.Row, seen, shape.Width, rows, adds: true);
                }
            }
        });

    private static int RoundUp(int count) => (count + Padding - 1) / Padding * Padding;

    /// <summary>Rows [start, start + rows) of softmax(q kᵀ / √Dh + causal mask); what a row does not see is 0.</summary>
    private static void Probabilities(Sample sample, HeadRows query, float* keys, int head, int start, int rows, float* result)
    {
        int columns = RoundUp(start + rows);
        SmallProducts.Run(
            new(query.At(sample.FirstRow + start, head), query.Row, 1), keys, sample.Pitch, result, sample.Pitch, rows, columns, sample.Width, adds: false);
        for (int row = 0; row < rows; row++)
        {
            float* scores = result + ((nint)row * sample.Pitch);
            int seen = start + row + 1;
            new Span<float>(scores + seen, columns - seen).Fill(float.NegativeInfinity);
            Softmax(scores, columns);
        }
    }

    private static void Softmax(float* scores, int columns)
    {
        var most = Vector256.Load(scores);
        for (int i = SmallProducts.Lanes; i < columns; i += SmallProducts.Lanes)
        {
            most = Vector256.Max(most, Vector256.Load(scores + i));
        }

        var shift = Vector256.Create(Largest(most));
        var sum = Vector256<float>.Zero;
        for (int i = 0; i < columns; i += SmallProducts.Lanes)
        {
            var power = FastExponential.Of(Vector256.Load(scores + i) - shift);
            power.Store(scores + i);
            sum += power;
        }

        var share = Vector256.Create(1 / Vector256.Sum(sum));
        for (int i = 0; i < columns; i += SmallProducts.Lanes)
        {
            (Vector256.Load(scores + i) * share).Store(scores + i);
        }
    }

    private static float Largest(Vector256<float> values)
    {
        float largest = values[0];
        for (int i = 1; i < SmallProducts.Lanes; i++)
        {
            largest = MathF.Max(largest, values[i]);
        }

        return largest;
    }

    /// <summary>dS = P ∘ (dP − rowsum(P ∘ dP)) / √Dh, in dP's place.</summary>
    private static void ThroughSoftmax(float* probabilities, float* slopes, Sample sample, int rows, int columns)
    {
        var scale = Vector256.Create(sample.Scale);
        for (int row = 0; row < rows; row++)
        {
            float* p = probabilities + ((nint)row * sample.Pitch);
            float* d = slopes + ((nint)row * sample.Pitch);
            var sum = Vector256<float>.Zero;
            for (int i = 0; i < columns; i += SmallProducts.Lanes)
            {
                sum = Vector256.FusedMultiplyAdd(Vector256.Load(p + i), Vector256.Load(d + i), sum);
            }

            var mean = Vector256.Create(Vector256.Sum(sum));
            for (int i = 0; i < columns; i += SmallProducts.Lanes)
            {
                (Vector256.Load(p + i) * (Vector256.Load(d + i) - mean) * scale).Store(d + i);
            }
        }
    }

    /// <summary>Each sample and key head, long samples first, on as many threads as there are.</summary>
    private static void ForEach(AttentionShape shape, Action<Sample, Scratch> run)
    {
        var samples = Sample.All(shape);
        int pitch = samples.Max(sample => sample.Pitch);
        int next = -1;
        int threads = Math.Clamp(samples.Length, 1, shape.Threads);
        if (threads == 1)
        {
            Take(0);
        }
        else
        {
            Parallel.For(0, threads, new ParallelOptions { MaxDegreeOfParallelism = threads }, Take);
        }

        void Take(int part)
        {
            float[] memory = ArrayPool<float>.Shared.Rent(pitch * 2 * (shape.Width + BlockRows));
            fixed (float* start = memory)
            {
                var scratch = new Scratch(start, pitch, shape.Width);
                for (int i = Interlocked.Increment(ref next); i < samples.Length; i = Interlocked.Increment(ref next))
                {
                    run(samples[i], scratch);
                }
            }

            ArrayPool<float>.Shared.Return(memory);
        }
    }

    /// <summary>Room for one thread: keys and values as [Dh, S], and a block of rows of two matrices [rows, S].</summary>
    private readonly struct Scratch(float* start, int pitch, int width)
    {
        public float* Keys => start;

        public float* Values => start + ((nint)pitch * width);

        public float* Probabilities => start + (2 * (nint)pitch * width);

        public float* Slopes => Probabilities + ((nint)pitch * BlockRows);
    }

    /// <summary>One key head of one sample, and the query heads that share it.</summary>
    private readonly record struct Sample(long FirstRow, int Length, int Group, int FirstHead, int EndHead, int Width)
    {
        /// <summary>
        /// Numbers from one row of [Dh, S] or [rows, S] to the next: whole tiles, an odd number of them, as rows that lie a power of two apart share few lines of a cache.
        /// </summary>
        public int Pitch => RoundUp(Length) | Padding;

        /// <summary>1 / √Dh.</summary>
        public float Scale => 1 / MathF.Sqrt(Width);

        public static Sample[] All(AttentionShape shape)
        {
            var all = new List<Sample>(shape.Lengths.Length * shape.Groups);
            int share = shape.Heads / shape.Groups;
            long row = 0;
            foreach (long length in shape.Lengths)
            {
                for (int group = 0; group < shape.Groups; group++)
                {
                    all.Add(new Sample(row, (int)length, group, group * share, (group + 1) * share, shape.Width));
                }

                row += length;
            }

            return [.. all.OrderByDescending(sample => sample.Length)];
        }

        /// <summary>Sets the sample's rows of its group to zero.</summary>
        public void Clear(HeadRows rows)
        {
            for (int row = 0; row < Length; row++)
            {
                new Span<float>(rows.At(FirstRow + row, Group), Width).Clear();
            }
        }

        /// <summary>The sample's rows of its group as [Dh, S], times a factor; columns beyond the length are 0.</summary>
        public float* Pack(HeadRows rows, float* target, float factor)
        {
            int pitch = Pitch;
            for (int row = 0; row < pitch; row++)
            {
                float* source = rows.At(FirstRow + row, Group);
                for (int i = 0; i < Width; i++)
                {
                    target[((nint)i * pitch) + row] = row < Length ? source[i] * factor : 0;
                }
            }

            return target;
        }
    }
}
