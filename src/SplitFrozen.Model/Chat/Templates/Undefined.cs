namespace SplitFrozen.Model.Chat.Templates;

/// <summary>What a name without a value stands for: it prints as nothing and counts as false, but has no attributes.</summary>
/// <param name="Name">The name, for messages.</param>
internal sealed record Undefined(string Name);
