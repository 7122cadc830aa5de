namespace SplitFrozen.Domain.Generation;

/// <summary>How the next token is chosen.</summary>
/// <param name="Temperature">Divides the logits; 0 takes the largest (greedy). At least 0.</param>
/// <param name="TopK">Only so many of the largest logits take part; 0 for all.</param>
/// <param name="TopP">Only the fewest most probable tokens whose probabilities add up to this take part (Holtzman et al. 2020), in (0, 1]; 1 for all.</param>
/// <param name="Seed">Seed of the draws.</param>
public sealed record SamplingSpec(double Temperature, int TopK, double TopP, long Seed)
{
    /// <summary>Always the largest logit.</summary>
    public static SamplingSpec Greedy { get; } = new(0, 0, 1, 0);

    /// <summary>Throws <see cref="UserErrorException"/> where a value is out of range.</summary>
    public SamplingSpec Checked()
    {
        Require(double.IsFinite(Temperature) && Temperature >= 0, $"--temperature is {Temperature}; it must be a number of at least 0, where 0 is greedy.");
        Require(TopK >= 0, $"--top-k is {TopK}; it must be at least 0, where 0 means all tokens.");
        Require(TopP is > 0 and <= 1, $"--top-p is {TopP}; it must be above 0 and at most 1.");
        return this;
    }

    private static void Require(bool holds, FormattableString otherwise)
    {
        if (!holds)
        {
            throw new UserErrorException(FormattableString.Invariant(otherwise));
        }
    }
}
