namespace SplitFrozen.Model.Chat.Templates;

/// <summary>The arguments of a call.</summary>
/// <param name="Positional">Those by position.</param>
/// <param name="Named">Those by name.</param>
internal sealed record Arguments(IReadOnlyList<object?> Positional, IReadOnlyDictionary<string, object?> Named)
{
    /// <summary>No arguments.</summary>
    public static Arguments None { get; } = new([], new Dictionary<string, object?>());

    /// <summary>The argument at a position or of that name, or <paramref name="otherwise"/>.</summary>
    public object? Get(int index, string name, object? otherwise) =>
        index < Positional.Count ? Positional[index] : Named.TryGetValue(name, out object? value) ? value : otherwise;

    /// <summary>The argument at a position or of that name.</summary>
    public object? Require(int index, string name, string callee) => index < Positional.Count || Named.ContainsKey(name)
        ? Get(index, name, null)
        : throw new TemplateException($"{callee} lacks its argument {name}");

    /// <summary>Throws where there are more or other arguments than those named.</summary>
    public Arguments Only(string callee, params ReadOnlySpan<string> names)
    {
        if (Positional.Count > names.Length)
        {
            throw new TemplateException($"{callee} has {Positional.Count} arguments; {names.Length} are known");
        }

        foreach (string name in Named.Keys)
        {
            if (!names.Contains(name))
            {
                throw new TemplateException($"the argument {name} of {callee} is not supported");
            }
        }

        return this;
    }
}

/// <summary>Something that can be called.</summary>
/// <param name="Name">Its name, for messages.</param>
/// <param name="Call">What it does.</param>
internal sealed record Callable(string Name, Func<Arguments, object?> Call);

/// <summary>What <c>namespace(...)</c> makes: the one thing whose attributes can be set.</summary>
internal sealed class TemplateNamespace
{
    /// <summary>Its attributes.</summary>
    public Dictionary<string, object?> Values { get; } = new(StringComparer.Ordinal);
}
