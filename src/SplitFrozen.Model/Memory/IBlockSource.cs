namespace SplitFrozen.Model.Memory;

/// <summary>Where a pool's blocks come from.</summary>
internal interface IBlockSource
{
    /// <summary>A fresh block.</summary>
    /// <param name="bytes">A size of <see cref="BlockPool.SizeOf"/>.</param>
    /// <returns>Its address; 0 where there is no memory.</returns>
    nint Take(long bytes);

    /// <summary>Gives a block back to the system.</summary>
    void GiveBack(nint address, long bytes);
}
