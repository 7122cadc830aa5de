namespace SplitFrozen.Domain.Data;

/// <summary>A sample as a model reads it.</summary>
/// <param name="Tokens">Token ids [S], at least one, at most the maximum length.</param>
/// <param name="Targets">Classification: one label id. Language modelling: the target of each row [S], <see cref="Models.Target.Ignored"/> where there is none.</param>
public sealed record EncodedSample(int[] Tokens, int[] Targets);
