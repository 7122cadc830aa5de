using static TorchSharp.torch;

namespace SplitFrozen.Model.Lora;

/// <summary>Notes, for each adapter that a micro-batch's F passes through, what B and W need.</summary>
/// <param name="dropout">Masks of the adapters' inputs; null without dropout.</param>
internal sealed class LoraTape(LoraDropout? dropout)
{
    private readonly List<Entry> _entries = [];

    /// <summary>Masks of the adapters' inputs; null without dropout.</summary>
    public LoraDropout? Dropout { get; } = dropout;

    /// <summary>The passes through adapters so far, in their order.</summary>
    public IReadOnlyList<Entry> Entries => _entries;

    /// <summary>Notes one pass.</summary>
    public void Add(Entry entry) => _entries.Add(entry);

    /// <summary>One pass through an adapter.</summary>
    /// <param name="Adapter">The adapter.</param>
    /// <param name="Input">What A was applied to, after dropout: [R, in], without graph.</param>
    /// <param name="Inner">A's output [R, r], a node of the graph.</param>
    /// <param name="Outputs">What B was applied to and what came of it.</param>
    internal sealed record Entry(LoraAdapter Adapter, Tensor Input, Tensor Inner, Part[] Outputs);

    /// <summary>Some columns of an adapted module's output.</summary>
    /// <param name="Inner">What those rows of B were applied to [R, r], without graph.</param>
    /// <param name="Output">The module's output with the adapter's part [R, columns], a node of the graph.</param>
    /// <param name="FirstColumn">Where the columns begin.</param>
    internal sealed record Part(Tensor Inner, Tensor Output, long FirstColumn);
}
