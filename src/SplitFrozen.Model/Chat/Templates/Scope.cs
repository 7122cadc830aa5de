namespace SplitFrozen.Model.Chat.Templates;

/// <summary>Names that are visible at a place of a template. The body of a loop has a scope of its own: what is set there does not outlive the pass.</summary>
/// <param name="outer">The scope around this one, or null.</param>
internal sealed class Scope(Scope? outer)
{
    private readonly Dictionary<string, object?> _values = new(StringComparer.Ordinal);

    /// <summary>Sets a name in this scope.</summary>
    public void Set(string name, object? value) => _values[name] = value;

    /// <summary>The value of a name, or <see cref="Undefined"/>.</summary>
    public object? Get(string name)
    {
        for (var scope = this; scope is not null; scope = scope.Outer)
        {
            if (scope._values.TryGetValue(name, out object? value))
            {
                return value;
            }
        }

        return new Undefined(name);
    }

    private Scope? Outer => outer;
}
