namespace SplitFrozen.Domain.Allocation;

/// <summary>
/// An exponential moving average m ← β m + (1 − β) x, corrected for its start at zero as Adam's moments are (Kingma and Ba 2015): m / (1 − βᵗ). So
/// the first value counts in full, and a constant is its own average from the start.
/// </summary>
/// <param name="Decay">β, from 0 (the last value alone) up to, not including, 1.</param>
public readonly record struct MovingAverage(double Decay)
{
    private double Moment { get; init; }

    /// <summary>1 − βᵗ, added up rather than raised to a power.</summary>
    private double Weight { get; init; }

    /// <summary>The average, or null before the first value.</summary>
    public double? Value => Weight == 0 ? null : Moment / Weight;

    /// <summary>The average after another value.</summary>
    public MovingAverage Add(double value)
    {
        if (!double.IsFinite(value))
        {
            throw new ArgumentOutOfRangeException(nameof(value), value, "A moving average takes finite values only.");
        }

        return this with { Moment = (Decay * Moment) + ((1 - Decay) * value), Weight = (Decay * Weight) + (1 - Decay) };
    }
}
