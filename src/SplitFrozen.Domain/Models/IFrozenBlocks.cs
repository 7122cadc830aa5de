namespace SplitFrozen.Domain.Models;

/// <summary>
/// Embeddings and the first blocks of a model, frozen: no gradient, no dropout. Activations are ragged: the rows of a batch's
/// samples lie one after another, [T, D] with T the sum of the lengths, row-major float32, without padding. One owner, one thread at a time.
/// The bits of a result depend on the composition of the batch and the thread count, never on which blocks were run where.
/// </summary>
public interface IFrozenBlocks : IDisposable
{
    /// <summary>Hidden size D.</summary>
    int Width { get; }

    /// <summary>How many blocks are held: [0, Blocks).</summary>
    int Blocks { get; }

    /// <summary>Bytes of weights held in memory.</summary>
    long WeightBytes { get; }

    /// <summary>Loads or drops blocks so that exactly [0, <paramref name="blocks"/>) are held.</summary>
    void Resize(int blocks);

    /// <summary>
    /// Reads blocks [<paramref name="from"/>, <paramref name="to"/>) without putting them in place. May run on another thread while the owner computes;
    /// what it gives goes to <see cref="Append"/>, or is disposed.
    /// </summary>
    IDisposable Read(int from, int to);

    /// <summary>Puts blocks in place that <see cref="Read"/> gave; they must begin where those held end. Takes them over.</summary>
    void Append(IDisposable blocks);

    /// <summary>Embeds tokens and runs blocks [0, <paramref name="depth"/>).</summary>
    /// <param name="tokens">Token ids [T], sample after sample.</param>
    /// <param name="lengths">Tokens of each sample [N], each from 1 to the model's context.</param>
    /// <param name="depth">From 0 (embeddings only) to <see cref="Blocks"/>.</param>
    /// <param name="output">Receives [T, D].</param>
    void Embed(ReadOnlySpan<int> tokens, ReadOnlySpan<int> lengths, int depth, Span<float> output);

    /// <summary>Runs blocks [<paramref name="from"/>, <paramref name="to"/>) on activations at depth <paramref name="from"/>.</summary>
    /// <param name="input">[T, D] at depth <paramref name="from"/>.</param>
    /// <param name="lengths">Tokens of each sample [N].</param>
    /// <param name="from">Depth of the input.</param>
    /// <param name="to">Depth of the output, from <paramref name="from"/> to <see cref="Blocks"/>.</param>
    /// <param name="output">Receives [T, D]; may be the input's memory.</param>
    void Continue(ReadOnlySpan<float> input, ReadOnlySpan<int> lengths, int from, int to, Span<float> output);
}
