using System.Globalization;

using SplitFrozen.Domain.Sampling;

namespace SplitFrozen.Domain.Simulation;

/// <summary>
/// A distribution that device profiles are drawn from, as it is written on a command line: <c>8</c> (a constant), <c>uniform:2:16</c> (low, high),
/// <c>lognormal:4:0.8</c> (median, standard deviation of the logarithm), <c>exponential:30</c> (mean) or <c>choice:1,4,8</c> (one of these, equally likely).
/// All values are above 0.
/// </summary>
public sealed class Distribution
{
    private readonly Func<SeededRandom, double> _draw;
    private readonly string _text;

    private Distribution(string text, Func<SeededRandom, double> draw) => (_text, _draw) = (text, draw);

    /// <summary>Always the same value, whatever it is: zero and infinity too.</summary>
    public static Distribution Constant(double value) => new(value.ToString(CultureInfo.InvariantCulture), _ => value);

    /// <summary>Reads a distribution.</summary>
    /// <param name="name">What it is for, such as --gigaflops, for the message.</param>
    /// <param name="text">Its form.</param>
    /// <exception cref="UserErrorException">The form is none of these.</exception>
    public static Distribution Parse(string name, string text)
    {
        var parts = text.Split(':');
        Func<SeededRandom, double>? draw = (parts[0], Numbers(parts)) switch
        {
            (_, [var value]) when parts.Length == 1 => _ => value,
            ("uniform", [var low, var high]) when low <= high => r => low + ((high - low) * r.NextDouble()),
            ("lognormal", [var median, var sigma]) => r => median * Math.Exp(sigma * Normal(r)),
            ("exponential", [var mean]) when parts.Length == 2 => r => -mean * Math.Log(1 - r.NextDouble()),
            ("choice", [_, ..] values) when parts.Length == 2 => r => values[r.Below(values.Length)],
            _ => null,
        };
        return draw is not null ? new Distribution(text, draw)
            : throw new UserErrorException($"{name} = {text} is no distribution: write a number above 0, uniform:LOW:HIGH (low first), lognormal:MEDIAN:SIGMA, exponential:MEAN or choice:A,B,C, all numbers above 0.");
    }

    /// <summary>Draws a value.</summary>
    public double Draw(SeededRandom random) => _draw(random);

    /// <inheritdoc/>
    public override string ToString() => _text;

    /// <summary>The numbers of a form, or none where one of them is not above 0.</summary>
    private static double[] Numbers(string[] parts)
    {
        var texts = parts.Length == 1 ? parts : parts[0] == "choice" && parts.Length == 2 ? parts[1].Split(',') : parts[1..];
        var numbers = Array.ConvertAll(texts, t => double.TryParse(t, NumberStyles.Float, CultureInfo.InvariantCulture, out var n) && n > 0 && double.IsFinite(n) ? n : double.NaN);
        return Array.Exists(numbers, double.IsNaN) ? [] : numbers;
    }

    /// <summary>A standard normal draw (Box and Muller 1958).</summary>
    private static double Normal(SeededRandom random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
