using SplitFrozen.Domain;
using SplitFrozen.Model.Files;

namespace SplitFrozen.Model.Llama;

/// <summary>How rotary angles are scaled for long contexts.</summary>
internal enum RotaryScaling
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>All angles are divided by a factor.</summary>
    Linear,

    /// <summary>The angles of each pair are divided by a number of its own, which a GGUF file lists.</summary>
    Listed,

    /// <summary>Llama 3.1: long wavelengths are divided by a factor, short ones kept, with a smooth passage between.</summary>
    Llama3,
}

/// <summary>Rotary position embeddings as config.json or a GGUF file describes them.</summary>
internal sealed record RotaryConfig(
    double Theta, RotaryScaling Scaling, double Factor, double LowFrequencyFactor, double HighFrequencyFactor, int OriginalContext)
{
    /// <summary>What the angles of each pair are divided by [Dh / 2], for <see cref="RotaryScaling.Listed"/>.</summary>
    public IReadOnlyList<float> Divisors { get; private init; } = [];

    /// <summary>The same with the angles of each pair divided by listed numbers.</summary>
    /// <exception cref="UserErrorException">Their number does not fit, or the angles are scaled otherwise already.</exception>
    public RotaryConfig Divided(IReadOnlyList<float> divisors, int headWidth, string path) =>
        Scaling == RotaryScaling.None && divisors.Count == headWidth / 2
            ? this with { Scaling = RotaryScaling.Listed, Divisors = divisors }
            : throw new UserErrorException(
                $"'{path}' lists {divisors.Count} divisors of rotary angles beside scaling {Scaling}; {headWidth / 2} divisors without other scaling can be read.");

    /// <summary>Reads <c>rope_parameters</c> (newest form), or <c>rope_theta</c> and <c>rope_scaling</c> (older form).</summary>
    public static RotaryConfig Read(ConfigJson json, int context)
    {
        const double largest = 1e15;
        const double usualTheta = 10_000;
        double outerTheta = json.Number("rope_theta", 1, largest, usualTheta);
        var section = json.Section("rope_parameters") ?? json.Section("rope_scaling");
        if (section is null)
        {
            return new RotaryConfig(outerTheta, RotaryScaling.None, 1, 1, 1, context);
        }

        double theta = section.Number("rope_theta", 1, largest, outerTheta);
        return (section.Text("rope_type") ?? section.Text("type") ?? "default") switch
        {
            "default" => new RotaryConfig(theta, RotaryScaling.None, 1, 1, 1, context),
            "linear" => new RotaryConfig(theta, RotaryScaling.Linear, section.Number("factor", 1, largest), 1, 1, context),
            "llama3" => ReadLlama3(section, theta, largest),
            string other => throw section.Unsupported("rope_type", $"'{other}'", "default, linear and llama3"),
        };
    }

    private static RotaryConfig ReadLlama3(ConfigJson section, double theta, double largest)
    {
        double low = section.Number("low_freq_factor", 1e-6, largest);
        double high = section.Number("high_freq_factor", 1e-6, largest);
        return high > low
            ? new RotaryConfig(
                theta, RotaryScaling.Llama3, section.Number("factor", 1, largest), low, high,
                section.Integer("original_max_position_embeddings", 1, int.MaxValue))
            : throw section.Unsupported("high_freq_factor", $"{high}", $"numbers above low_freq_factor = {low}");
    }
}
