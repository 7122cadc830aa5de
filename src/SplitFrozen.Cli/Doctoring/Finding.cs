namespace SplitFrozen.Cli.Doctoring;

/// <summary>What a check found.</summary>
/// <param name="Check">What was looked at.</param>
/// <param name="Ok">Whether it is as it should be.</param>
/// <param name="Text">What was found; where it is not as it should be, with the remedy.</param>
internal sealed record Finding(string Check, bool Ok, string Text);
