using SplitFrozen.Model.Lora;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Blocks;

/// <summary>What the modules of one pass share.</summary>
/// <param name="layout">Which rows belong to which sample.</param>
/// <param name="tape">Where adapters note what B and W need; null where nothing is trained.</param>
internal sealed class ForwardPass(RaggedLayout layout, LoraTape? tape = null)
{
    /// <summary>Which rows belong to which sample.</summary>
    public RaggedLayout Layout { get; } = layout;

    /// <summary>Where adapters note what B and W need; null where nothing is trained.</summary>
    public LoraTape? Tape { get; } = tape;

    /// <summary>The rotary angles of all rows; set by families that rotate.</summary>
    public RotaryAngles? Rotary { get; init; }

    /// <summary>
    /// The rows that are needed after the attention of the block at hand, or null for all. Set before the last block, where most rows' output
    /// is never looked at: their output projection and feed-forward part need not be computed, and where only the last row of each sample is
    /// needed, neither need their queries.
    /// </summary>
    public RowSelection? Needed { get; set; }

    /// <summary>Keys and values of the rows before these, when texts are generated; null otherwise.</summary>
    public IHeldRows? Cache { get; init; }

    /// <summary>The rows whose queries are needed, where that is not all of them.</summary>
    public RowSelection? NeededQueries => Needed is { AreLast: true } ? Needed : null;

    /// <summary>Causal attention of each sample's rows, on the rows before them too where there is a cache.</summary>
    /// <param name="query">[T, H, Dh], or [N, H, Dh] where only the last row of each sample is needed.</param>
    /// <param name="key">[T, Hkv, Dh]; H is a multiple of Hkv.</param>
    /// <param name="value">[T, Hkv, Dh].</param>
    /// <returns>The rows that the pass needs [R, H · Dh].</returns>
    public Tensor Attend(Tensor query, Tensor key, Tensor value)
    {
        if (NeededQueries is null)
        {
            return Narrow(Cache is null ? RaggedAttention.Run(query, key, value, Layout) : Cache.Attend(query, key, value));
        }

        return Cache is null ? RaggedAttention.RunLast(query, key, value, Layout) : Cache.Attend(query, key, value);
    }

    /// <summary>The same of queries, keys and values of all rows side by side [T, 3, H, Dh], where there is no cache.</summary>
    /// <returns>The rows that the pass needs [R, H · Dh].</returns>
    public Tensor Attend(Tensor parts) => Narrow(RaggedAttention.Run(parts, Layout));

    /// <summary>The needed rows [R, …] of a tensor [T, …].</summary>
    public Tensor Narrow(Tensor rows) => Needed is null ? rows : rows.index_select(0, Needed.Index);
}
