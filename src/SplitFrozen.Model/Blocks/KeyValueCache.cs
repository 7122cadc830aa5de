using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace SplitFrozen.Model.Blocks;

/// <summary>
/// Keys and values of one text's rows in every block, so that each further token costs its own row only. Grows by doubling up to the model's context.
/// The blocks of a pass attend in their order; <see cref="Advance"/> ends the pass.
/// </summary>
internal sealed class KeyValueCache : IHeldRows, IDisposable
{
    private const int FirstRows = 64;

    private readonly Tensor?[] _keys;
    private readonly Tensor?[] _values;
    private readonly int _context;
    private int _block;

    /// <summary>An empty cache.</summary>
    /// <param name="blocks">Blocks of the model.</param>
    /// <param name="context">The model's longest sequence.</param>
    public KeyValueCache(int blocks, int context)
    {
        _keys = new Tensor?[blocks];
        _values = new Tensor?[blocks];
        _context = context;
    }

    /// <summary>Rows held: the position of the next one.</summary>
    public int Rows { get; private set; }

    /// <summary>The same of rows of this text; the query may be the last row's alone, [1, H, Dh].</summary>
    /// <inheritdoc/>
    public Tensor Attend(Tensor query, Tensor key, Tensor value)
    {
        var keys = Append(_keys, key);
        var values = Append(_values, value);
        _block++;
        return query.shape[0] == 1 ? AttendOne(query, keys, values) : AttendMany(query, keys, values);
    }

    /// <summary>The pass over all blocks is done: its rows count as held.</summary>
    /// <param name="rows">How many rows it had.</param>
    public void Advance(int rows)
    {
        if (_block != _keys.Length)
        {
            throw new InvalidOperationException($"A pass went through {_block} of {_keys.Length} blocks.");
        }

        Rows += rows;
        _block = 0;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var tensor in _keys.Concat(_values))
        {
            tensor?.Dispose();
        }
    }

    /// <summary>Writes rows behind those held; returns all of them, a view [Rows + T, Hkv, Dh].</summary>
    private Tensor Append(Tensor?[] held, Tensor rows)
    {
        int end = Rows + (int)rows.shape[0];
        if (end > _context)
        {
            throw new InvalidOperationException($"{end} rows do not fit the model's context of {_context}.");
        }

        var memory = Grown(held[_block], rows, end);
        held[_block] = memory;
        memory.narrow(0, Rows, rows.shape[0]).copy_(rows);
        return memory.narrow(0, 0, end);
    }

    private Tensor Grown(Tensor? memory, Tensor rows, int end)
    {
        if (memory is not null && memory.shape[0] >= end)
        {
            return memory;
        }

        int size = (int)Math.Min(_context, Math.Max(FirstRows, System.Numerics.BitOperations.RoundUpToPowerOf2((uint)end)));
        var larger = torch.empty([size, rows.shape[1], rows.shape[2]], device: rows.device).DetachFromDisposeScope();
        if (memory is not null)
        {
            larger.narrow(0, 0, Rows).copy_(memory.narrow(0, 0, Rows));
            memory.Dispose();
        }

        return larger;
    }

    /// <summary>One row sees everything: the queries that share a key head stand beside each other as rows, and nothing is repeated or masked.</summary>
    private static Tensor AttendOne(Tensor query, Tensor keys, Tensor values)
    {
        var grouped = query.reshape(1, keys.shape[1], query.shape[1] / keys.shape[1], query.shape[2]);
        return F.scaled_dot_product_attention(grouped, ByHead(keys), ByHead(values)).reshape(1, query.shape[1] * query.shape[2]);
    }

    private Tensor AttendMany(Tensor query, Tensor keys, Tensor values)
    {
        long heads = query.shape[1];
        var mask = Rows == 0 ? null : torch.ones([query.shape[0], keys.shape[0]], ScalarType.Bool, query.device).tril(Rows);
        var attended = F.scaled_dot_product_attention(
            ByHead(query), ByHead(RaggedAttention.Repeated(keys, heads)), ByHead(RaggedAttention.Repeated(values, heads)), mask, is_casual: mask is null);
        return attended.squeeze(0).transpose(0, 1).reshape(query.shape[0], heads * query.shape[2]);
    }

    /// <summary>[S, H, Dh] to a view [1, H, S, Dh].</summary>
    private static Tensor ByHead(Tensor rows) => rows.transpose(0, 1).unsqueeze(0);
}
