namespace SplitFrozen.Model.Chat.Templates;

/// <summary>Attributes, items and slices of values.</summary>
internal static class Members
{
    /// <summary>An attribute or item; what is not there is <see cref="Undefined"/>.</summary>
    /// <param name="owner">Whose.</param>
    /// <param name="key">Name or index.</param>
    /// <param name="isAttribute">Whether it was written with a dot: then methods come before items.</param>
    public static object? Get(object? owner, object? key, bool isAttribute)
    {
        if (owner is Undefined undefined)
        {
            throw new TemplateException($"'{undefined.Name}' is undefined, so that it has no {Values.Text(key)}");
        }

        if (isAttribute && Methods.Find(owner, (string)key!) is { } method)
        {
            return method;
        }

        return (owner, key) switch
        {
            (Dictionary<string, object?> mapping, string name) => mapping.TryGetValue(name, out object? value) ? value : new Undefined(name),
            (TemplateNamespace space, string name) => space.Values.TryGetValue(name, out object? value) ? value : new Undefined(name),
            (List<object?> items, long index) => Index(index, items.Count) is { } at ? items[at] : new Undefined($"item {index}"),
            (string text, long index) => Characters(text) is var characters && Index(index, characters.Length) is { } at ? characters[at] : new Undefined($"character {index}"),
            (string or List<object?>, string name) when isAttribute => throw new TemplateException($"the method {name} of {Values.Kind(owner)} is not supported"),
            _ => new Undefined(Values.Text(key)),
        };
    }

    /// <summary>Python's slice of a list or text.</summary>
    public static object Slice(object? owner, long? from, long? to, long? step)
    {
        long by = step ?? 1;
        if (by == 0)
        {
            throw new TemplateException("the step of a slice is 0");
        }

        return owner switch
        {
            List<object?> items => Chosen(items.Count, from, to, by).Select(i => items[i]).ToList(),
            string text => Characters(text) is var characters ? string.Concat(Chosen(characters.Length, from, to, by).Select(i => characters[i])) : "",
            _ => throw new TemplateException($"{Values.Kind(owner)} cannot be sliced"),
        };
    }

    private static IEnumerable<int> Chosen(int count, long? from, long? to, long step)
    {
        long first = Clamped(from, step > 0 ? 0 : count - 1);
        long end = Clamped(to, step > 0 ? count : -1);
        for (long i = first; step > 0 ? i < end : i > end; i += step)
        {
            yield return (int)i;
        }

        long Clamped(long? bound, long otherwise) => bound is not { } given
            ? otherwise
            : Math.Clamp(given < 0 ? given + count : given, step > 0 ? 0 : -1, step > 0 ? count : count - 1);
    }

    private static int? Index(long index, int count) =>
        index >= -count && index < count ? (int)(index < 0 ? index + count : index) : null;

    private static string[] Characters(string text) => [.. text.EnumerateRunes().Select(rune => rune.ToString())];
}
