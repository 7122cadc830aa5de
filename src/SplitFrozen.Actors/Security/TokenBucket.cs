namespace SplitFrozen.Actors.Security;

/// <summary>How often something may happen: so often on average, and so often at once. Not thread-safe.</summary>
/// <param name="burst">How often at once.</param>
/// <param name="time">The clock.</param>
internal sealed class TokenBucket(double burst, TimeProvider time)
{
    private double _left = burst;
    private long _at = time.GetTimestamp();

    /// <summary>It happens.</summary>
    /// <param name="perSecond">How often it may, on average.</param>
    /// <param name="most">How often at once.</param>
    /// <returns>Whether it may.</returns>
    public bool Take(double perSecond, double most)
    {
        var now = time.GetTimestamp();
        _left = Math.Min(most, _left + (perSecond * time.GetElapsedTime(_at, now).TotalSeconds));
        _at = now;
        if (_left < 1)
        {
            return false;
        }

        _left--;
        return true;
    }
}
