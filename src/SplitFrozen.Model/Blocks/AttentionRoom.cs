using System.Buffers;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Blocks;

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

/// <summary>One key head of one sample, and the query heads that share it.</summary>
internal readonly record struct AttentionSample(long FirstRow, int Length, int Group, int FirstHead, int EndHead);

/// <summary>Room for one thread. Rows lie an odd number of tiles apart: a power of two apart they would share few lines of a cache.</summary>
internal readonly unsafe struct AttentionRoom(float* start, int width, int longest)
{
    /// <summary>Queries that are taken together. Whole tiles, so that a tile of the sample's rows is one of the block's.</summary>
    public const int BlockRows = 8 * SmallProducts.Rows;

    private const int Line = 16;

    /// <summary>Numbers from one row of Dh to the next.</summary>
    public int RowPitch => OddTiles(width);

    /// <summary>Numbers from one row of scores to the next.</summary>
    public int ScorePitch => OddTiles(PaddedLength);

    /// <summary>Keys as [Dh, S].</summary>
    public float* KeysAcross => start;

    /// <summary>Values as [Dh, S].</summary>
    public float* ValuesAcross => KeysAcross + Across;

    /// <summary>Keys as [S, Dh].</summary>
    public float* Keys => ValuesAcross + Across;

    /// <summary>Values as [S, Dh].</summary>
    public float* Values => Keys + Whole;

    /// <summary>Sums of the keys' gradients, [S, Dh].</summary>
    public float* KeySums => Values + Whole;

    /// <summary>Sums of the values' gradients, [S, Dh].</summary>
    public float* ValueSums => KeySums + Whole;

    /// <summary>A block's queries, [rows, Dh].</summary>
    public float* Queries => ValueSums + Whole;

    /// <summary>A block's gradients of the outputs, [rows, Dh].</summary>
    public float* Above => Queries + Block;

    /// <summary>A block's outputs, or gradients of its queries, [rows, Dh].</summary>
    public float* Output => Above + Block;

    /// <summary>A block's probabilities, [rows, S].</summary>
    public float* Probabilities => Output + Block;

    /// <summary>A block's gradients of probabilities, then of scores, [rows, S].</summary>
    public float* Slopes => Probabilities + Scores;

    private int PaddedLength => RoundUp(longest, SmallProducts.Rows);

    private nint Across => (nint)width * ScorePitch;

    private nint Whole => (nint)PaddedLength * RowPitch;

    private nint Block => (nint)BlockRows * RowPitch;

    private nint Scores => (nint)BlockRows * ScorePitch;

    /// <summary>Runs each sample and key head, long samples first, on as many threads as there are.</summary>
    public static void ForEach(AttentionShape shape, Action<AttentionSample, AttentionRoom> run)
    {
        var samples = Samples(shape);
        int longest = samples.Max(sample => sample.Length);
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
            float[] memory = ArrayPool<float>.Shared.Rent(new AttentionRoom(null, shape.Width, longest).Size + Line);
            fixed (float* start = memory)
            {
                // Vectors that begin with a line of the cache lie in one.
                var room = new AttentionRoom((float*)(((nint)start + (Line * sizeof(float)) - 1) & -(Line * sizeof(float))), shape.Width, longest);
                for (int i = Interlocked.Increment(ref next); i < samples.Length; i = Interlocked.Increment(ref next))
                {
                    run(samples[i], room);
                }
            }

            ArrayPool<float>.Shared.Return(memory);
        }
    }

    /// <summary>The least multiple that is not smaller.</summary>
    public static int RoundUp(int count, int multiple) => (count + multiple - 1) / multiple * multiple;

    private int Size => (int)((2 * Across) + (4 * Whole) + (3 * Block) + (2 * Scores));

    private static int OddTiles(int count) => RoundUp(count, SmallProducts.Columns) | SmallProducts.Columns;

    private static AttentionSample[] Samples(AttentionShape shape)
    {
        var all = new List<AttentionSample>(shape.Lengths.Length * shape.Groups);
        int share = shape.Heads / shape.Groups;
        long row = 0;
        foreach (long length in shape.Lengths)
        {
            for (int group = 0; group < shape.Groups; group++)
            {
                all.Add(new AttentionSample(row, (int)length, group, group * share, (group + 1) * share));
            }

            row += length;
        }

        return [.. all.OrderByDescending(sample => sample.Length)];
    }
}
