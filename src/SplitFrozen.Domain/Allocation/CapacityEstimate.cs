namespace SplitFrozen.Domain.Allocation;

/// <summary>
/// Smoothed rates of a device node, from what it did. Times per unit of work are averaged, not rates, so that a spell of slowness weighs by how long it took
/// and one fast operation cannot hide it.
/// </summary>
public sealed record CapacityEstimate
{
    private readonly MovingAverage _secondsPerLayerToken;
    private readonly MovingAverage _secondsPerByte;

    /// <summary>An estimate without observations.</summary>
    /// <param name="decay">Decay of the moving averages, from 0 up to, not including, 1.</param>
    public CapacityEstimate(double decay) =>
        (_secondsPerLayerToken, _secondsPerByte) = (new MovingAverage(decay), new MovingAverage(decay));

    private CapacityEstimate(MovingAverage layerToken, MovingAverage sent) => (_secondsPerLayerToken, _secondsPerByte) = (layerToken, sent);

    /// <summary>Tokens a second through one block, or 0 before anything was computed.</summary>
    public double LayerTokensPerSecond => 1 / _secondsPerLayerToken.Value ?? 0;

    /// <summary>Bytes a second, or null before anything was sent.</summary>
    public double? LinkBytesPerSecond => 1 / _secondsPerByte.Value;

    /// <summary>The node computed.</summary>
    /// <param name="layerTokens">Tokens times blocks, above 0.</param>
    /// <param name="seconds">How long it took, above 0.</param>
    public CapacityEstimate Computed(double layerTokens, double seconds) => new(_secondsPerLayerToken.Add(PerUnit(layerTokens, seconds)), _secondsPerByte);

    /// <summary>The node sent.</summary>
    /// <param name="bytes">How much, above 0.</param>
    /// <param name="seconds">How long it took, above 0.</param>
    public CapacityEstimate Sent(double bytes, double seconds) => new(_secondsPerLayerToken, _secondsPerByte.Add(PerUnit(bytes, seconds)));

    private static double PerUnit(double work, double seconds)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(work);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(seconds);
        return seconds / work;
    }
}
