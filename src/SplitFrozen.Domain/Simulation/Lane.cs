namespace SplitFrozen.Domain.Simulation;

/// <summary>A resource that does one thing at a time, and how long it did.</summary>
internal sealed class Lane
{
    private double _since;

    /// <summary>Whether it is at something.</summary>
    public bool IsBusy { get; private set; }

    /// <summary>Seconds it was, up to the last end.</summary>
    public double BusySeconds { get; private set; }

    /// <summary>It begins something.</summary>
    public void Begin(double now)
    {
        if (IsBusy)
        {
            throw new InvalidOperationException("A lane began a second operation before the first had ended.");
        }

        (IsBusy, _since) = (true, now);
    }

    /// <summary>It is done, or was interrupted.</summary>
    /// <returns>Seconds since it began; 0 where it was idle.</returns>
    public double End(double now)
    {
        if (!IsBusy)
        {
            return 0;
        }

        IsBusy = false;
        BusySeconds += now - _since;
        return now - _since;
    }
}
