using System.Buffers;

namespace SplitFrozen.Actors.Store;

/// <summary>One sample out of the store, its rows in a pooled buffer.</summary>
/// <param name="width">Hidden size D.</param>
/// <param name="tokens">Rows S.</param>
/// <param name="targets">The targets: one, or one a row.</param>
/// <param name="rented">The rows [S, D] at its front; given back on disposal.</param>
internal sealed class StoredActivation(int width, int tokens, int[] targets, float[] rented) : IDisposable
{
    /// <summary>Rows S.</summary>
    public int Tokens => tokens;

    /// <summary>The targets: one, or one a row.</summary>
    public IReadOnlyList<int> Targets => targets;

    /// <summary>The rows [S, D].</summary>
    public ReadOnlySpan<float> Values => rented.AsSpan(0, tokens * width);

    /// <summary>Gives the buffer back.</summary>
    public void Dispose() => ArrayPool<float>.Shared.Return(rented);
}
