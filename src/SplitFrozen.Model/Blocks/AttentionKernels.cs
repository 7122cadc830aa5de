using System.Runtime.Intrinsics;

namespace SplitFrozen.Model.Blocks;

/// <summary>
/// Causal attention and its gradient, for each sample and head on its own: a sample's bits depend on nothing else. Queries are taken in blocks of rows, and six of them at a time against
/// the keys that they see; the way back computes the probabilities again, so that F keeps queries, keys and values only.
/// </summary>
internal static unsafe class AttentionKernels
{
    private const int Tile = SmallProducts.Rows;

    /// <summary>out = softmax(q kᵀ / √Dh + causal mask) v.</summary>
    public static void Forward(AttentionShape shape, HeadRows query, HeadRows key, HeadRows value, HeadRows output)
    {
        float scale = 1 / MathF.Sqrt(shape.Width);
        AttentionRoom.ForEach(shape, (sample, room) =>
        {
            key.CopyAcross(room.KeysAcross, room.ScorePitch, sample.FirstRow, sample.Length, Columns(sample.Length), sample.Group, scale);
            value.CopyTo(room.Values, room.RowPitch, sample.FirstRow, sample.Length, RoundUp(sample.Length), sample.Group);
            for (int head = sample.FirstHead; head < sample.EndHead; head++)
            {
                for (int start = 0; start < sample.Length; start += AttentionRoom.BlockRows)
                {
                    var block = new Block(room, shape.Width, start, Math.Min(AttentionRoom.BlockRows, sample.Length - start));
                    query.CopyTo(room.Queries, room.RowPitch, sample.FirstRow + start, block.Rows, block.Rows, head);
                    block.Scores(room.Queries, room.KeysAcross, room.Probabilities);
                    block.Softmax();
                    block.Weigh(room.Probabilities, room.Values, room.Output);
                    output.CopyFrom(room.Output, room.RowPitch, sample.FirstRow + start, block.Rows, head);
                }
            }
        });
    }

    /// <summary>Gradients with respect to queries, keys and values.</summary>
    public static void Backward(
        AttentionShape shape, HeadRows query, HeadRows key, HeadRows value, HeadRows gradient, HeadRows queryGradient, HeadRows keyGradient, HeadRows valueGradient)
    {
        float scale = 1 / MathF.Sqrt(shape.Width);
        AttentionRoom.ForEach(shape, (sample, room) =>
        {
            key.CopyAcross(room.KeysAcross, room.ScorePitch, sample.FirstRow, sample.Length, Columns(sample.Length), sample.Group, scale);
            value.CopyAcross(room.ValuesAcross, room.ScorePitch, sample.FirstRow, sample.Length, Columns(sample.Length), sample.Group, 1);
            key.CopyTo(room.Keys, room.RowPitch, sample.FirstRow, sample.Length, RoundUp(sample.Length), sample.Group);
            new Span<float>(room.KeySums, RoundUp(sample.Length) * room.RowPitch).Clear();
            new Span<float>(room.ValueSums, RoundUp(sample.Length) * room.RowPitch).Clear();
            for (int head = sample.FirstHead; head < sample.EndHead; head++)
            {
                for (int start = 0; start < sample.Length; start += AttentionRoom.BlockRows)
                {
                    var block = new Block(room, shape.Width, start, Math.Min(AttentionRoom.BlockRows, sample.Length - start));
                    query.CopyTo(room.Queries, room.RowPitch, sample.FirstRow + start, block.Rows, block.Rows, head);
                    gradient.CopyTo(room.Above, room.RowPitch, sample.FirstRow + start, block.Rows, block.Rows, head);
                    block.Scores(room.Queries, room.KeysAcross, room.Probabilities);
                    block.Softmax();
                    block.Scores(room.Above, room.ValuesAcross, room.Slopes);
                    block.Spread(room.Probabilities, room.Above, room.ValueSums);
                    block.ThroughSoftmax(scale);
                    block.Weigh(room.Slopes, room.Keys, room.Output);
                    block.Spread(room.Slopes, room.Queries, room.KeySums);
                    queryGradient.CopyFrom(room.Output, room.RowPitch, sample.FirstRow + start, block.Rows, head);
                }
            }

            keyGradient.CopyFrom(room.KeySums, room.RowPitch, sample.FirstRow, sample.Length, sample.Group);
            valueGradient.CopyFrom(room.ValueSums, room.RowPitch, sample.FirstRow, sample.Length, sample.Group);
        });
    }

    private static int RoundUp(int rows) => AttentionRoom.RoundUp(rows, Tile);

    /// <summary>Columns, in whole tiles, that hold all that a tile with so many rows up to its end sees.</summary>
    private static int Columns(int rows) => AttentionRoom.RoundUp(RoundUp(rows), SmallProducts.Columns);

    /// <summary>A block of a head's queries. Of six rows that are computed at once, those beyond the block hold whatever the room held, and what comes of them is not used.</summary>
    /// <param name="room">The thread's room.</param>
    /// <param name="width">Dh.</param>
    /// <param name="start">The sample's row that is the block's first.</param>
    /// <param name="rows">Rows of the block.</param>
    private readonly struct Block(AttentionRoom room, int width, int start, int rows)
    {
        public int Rows => rows;

        private int WholeWidth => AttentionRoom.RoundUp(width, SmallProducts.Columns);

        /// <summary>[rows, S] = [rows, Dh] [Dh, S], as far as rows see.</summary>
        public void Scores(float* left, float* across, float* result)
        {
            for (int row = 0; row < rows; row += Tile)
            {
                SmallProducts.Run(
                    new(left + ((nint)row * room.RowPitch), room.RowPitch, 1), across, room.ScorePitch,
                    result + ((nint)row * room.ScorePitch), room.ScorePitch, Columns(start + row + 1), width, adds: false);
            }
        }

        /// <summary>[rows, Dh] = [rows, S] [S, Dh].</summary>
        public void Weigh(float* weights, float* whole, float* result)
        {
            for (int row = 0; row < rows; row += Tile)
            {
                SmallProducts.Run(
                    new(weights + ((nint)row * room.ScorePitch), room.ScorePitch, 1), whole, room.RowPitch,
                    result + ((nint)row * room.RowPitch), room.RowPitch, WholeWidth, start + row + Tile, adds: false);
            }
        }

        /// <summary>[S, Dh] += [rows, S]ᵀ [rows, Dh]; only rows from a key on see it.</summary>
        public void Spread(float* weights, float* right, float* sums)
        {
            for (int key = 0; key < start + rows; key += Tile)
            {
                int first = Math.Max(0, key - start);
                SmallProducts.Run(
                    new(weights + ((nint)first * room.ScorePitch) + key, 1, room.ScorePitch), right + ((nint)first * room.RowPitch), room.RowPitch,
                    sums + ((nint)key * room.RowPitch), room.RowPitch, WholeWidth, rows - first, adds: true);
            }
        }

        /// <summary>Softmax of each row of scores; what a row does not see becomes 0, as far as its tile of rows has columns. Six keys of which the row sees one lie in these.</summary>
        public void Softmax()
        {
            for (int row = 0; row < rows; row++)
            {
                float* scores = room.Probabilities + ((nint)row * room.ScorePitch);
                int seen = start + row + 1;
                int columns = Columns(seen);
                new Span<float>(scores + seen, columns - seen).Fill(float.NegativeInfinity);
                Normalize(scores, columns);
            }
        }

        /// <summary>dS = P ∘ (dP − rowsum(P ∘ dP)) / √Dh, in dP's place.</summary>
        public void ThroughSoftmax(float factor)
        {
            var scale = Vector256.Create(factor);
            for (int row = 0; row < rows; row++)
            {
                float* p = room.Probabilities + ((nint)row * room.ScorePitch);
                float* d = room.Slopes + ((nint)row * room.ScorePitch);
                int columns = Columns(start + row + 1);
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

        private static void Normalize(float* scores, int columns)
        {
            var most = Vector256.Load(scores);
            for (int i = SmallProducts.Lanes; i < columns; i += SmallProducts.Lanes)
            {
                most = Vector256.MaxNative(most, Vector256.Load(scores + i));
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

        /// <summary>A number that is none may get lost here; the row becomes none by its exponential.</summary>
        private static float Largest(Vector256<float> values)
        {
            var most = Vector128.MaxNative(values.GetLower(), values.GetUpper());
            most = Vector128.MaxNative(most, Vector128.Shuffle(most, Vector128.Create(2, 3, 0, 1)));
            return Vector128.MaxNative(most, Vector128.Shuffle(most, Vector128.Create(1, 0, 3, 2))).ToScalar();
        }
    }
}
