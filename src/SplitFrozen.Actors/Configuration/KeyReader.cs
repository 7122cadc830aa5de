using System.Globalization;

using Akka.Configuration.Hocon;

using SplitFrozen.Domain;

namespace SplitFrozen.Actors.Configuration;

/// <summary>Reads typed values from a section; errors name the key, the value found and what is allowed.</summary>
internal sealed class KeyReader(HoconValue section, string path)
{
    /// <summary>A reader of a section below this one.</summary>
    public KeyReader Section(string name) => new(HoconTree.Children(section)[name], $"{path}.{name}");

    /// <summary>The full name of a key, for messages.</summary>
    public string Key(string name) => $"{path}.{name}";

    /// <summary>Whether the section has the key.</summary>
    public bool Has(string name) => HoconTree.Children(section).ContainsKey(name);

    /// <summary>The error of a value.</summary>
    public UserErrorException Wrong(string name, string value, string allowed) =>
        new($"{Key(name)} = {value} is not allowed: {allowed}.");

    /// <summary>Whether the value is the given word.</summary>
    public bool IsWord(string name, string word) => Value(name) is var value && value.IsString() && value.GetString() == word;

    public string Text(string name)
    {
        var value = Value(name);
        if (!value.IsString() || string.IsNullOrWhiteSpace(value.GetString()))
        {
            throw Wrong(name, Shown(value), "it must be a text; put texts with : = # // in double quotes");
        }

        return value.GetString();
    }

    /// <summary>A text, or null where the key has the given word.</summary>
    public string? TextOr(string word, string name) => Text(name) is var text && text != word ? text : null;

    public int Integer(string name, int min, int max) => (int)Long(name, min, max);

    public long Long(string name, long min, long max) =>
        ParseLong(Text(name), min, max) ?? throw Wrong(name, Text(name), $"it must be a whole number from {min} to {max}");

    /// <summary>A whole number, or null where the key has the given word.</summary>
    public int? IntegerOr(string word, string name, int min, int max)
    {
        var text = Text(name);
        return text == word ? null
            : (int?)ParseLong(text, min, max) ?? throw Wrong(name, text, $"it must be {word} or a whole number from {min} to {max}");
    }

    /// <param name="name">The key.</param>
    /// <param name="allowed">What is allowed, in words.</param>
    /// <param name="isAllowed">Whether a finite number is.</param>
    public double Number(string name, string allowed, Func<double, bool> isAllowed) =>
        ParseNumber(Text(name)) is { } number && isAllowed(number) ? number : throw Wrong(name, Text(name), $"it must be a number {allowed}");

    /// <summary>A number, or null where the key has the given word.</summary>
    public double? NumberOr(string word, string name, string allowed, Func<double, bool> isAllowed)
    {
        var text = Text(name);
        return text == word ? null
            : ParseNumber(text) is { } number && isAllowed(number) ? number : throw Wrong(name, text, $"it must be {word} or a number {allowed}");
    }

    /// <summary>One of an enumeration's members, written in lower case.</summary>
    public T Choice<T>(string name)
        where T : struct, Enum
    {
        var text = Text(name);
        var names = Enum.GetNames<T>().Select(n => n.ToLowerInvariant()).ToList();
        return names.Contains(text) ? Enum.Parse<T>(text, ignoreCase: true) : throw Wrong(name, text, $"it must be one of {string.Join(", ", names)}");
    }

    public string Word(string name, params IReadOnlyList<string> allowed) =>
        Text(name) is var text && allowed.Contains(text) ? text : throw Wrong(name, text, $"it must be one of {string.Join(", ", allowed)}");

    public TimeSpan Duration(string name, TimeSpan min, TimeSpan max)
    {
        var value = Value(name);
        try
        {
            if (value.IsString() && value.GetTimeSpan(allowInfinite: false) is var time && time >= min && time <= max)
            {
                return time;
            }
        }
        catch (Exception e) when (e is FormatException or OverflowException)
        {
            throw new UserErrorException(Wrong(name, Shown(value), Allowed()).Message, e);
        }

        throw Wrong(name, Shown(value), Allowed());

        string Allowed() => $"it must be a time such as 500ms, 30s or 5m, from {Shown(min)} to {Shown(max)}";
    }

    /// <summary>A size in bytes, or null where the key has the given word.</summary>
    public long? BytesOr(string word, string name, int min) => IsWord(name, word) ? null : Bytes(name, min, long.MaxValue, word);

    public int Bytes(string name, int min) => (int)Bytes(name, min, int.MaxValue, null);

    /// <summary>A size in bytes that may exceed 2 GiB.</summary>
    public long LongBytes(string name, int min) => Bytes(name, min, long.MaxValue, null);

    private long Bytes(string name, int min, long max, string? word)
    {
        var value = Value(name);
        try
        {
            if (value.IsString() && value.GetByteSize() is { } bytes && bytes >= min && bytes <= max)
            {
                return bytes;
            }
        }
        catch (Exception e) when (e is FormatException or OverflowException)
        {
            throw new UserErrorException(Wrong(name, Shown(value), Allowed()).Message, e);
        }

        throw Wrong(name, Shown(value), Allowed());

        string Allowed() => $"it must be {(word is null ? "" : $"{word} or ")}a size such as 65536, 512KiB or 64MiB, from {min} bytes to {max} bytes";
    }

    public IReadOnlyList<string> Texts(string name, string what)
    {
        var items = List(name, what);
        return items.All(i => i.IsString() && !string.IsNullOrWhiteSpace(i.GetString()))
            ? [.. items.Select(i => i.GetString())] : throw Wrong(name, Shown(Value(name)), $"it must be a list of {what}");
    }

    /// <summary>The sections of a list, each with a reader that names its place; their keys must be among the given ones.</summary>
    public IReadOnlyList<KeyReader> Sections(string name, string what, params IReadOnlyList<string> keys)
    {
        var readers = new List<KeyReader>();
        foreach (var item in List(name, what))
        {
            var at = $"{Key(name)}[{readers.Count}]";
            if (!item.IsObject())
            {
                throw new UserErrorException($"{at} = {Shown(item)} is not allowed: it must be {what}.");
            }

            if (HoconTree.Children(item).Keys.FirstOrDefault(k => !keys.Contains(k)) is { } unknown)
            {
                throw new UserErrorException($"Unknown key {unknown} in {at}; known are {string.Join(", ", keys)}.");
            }

            readers.Add(new KeyReader(item, at));
        }

        return readers;
    }

    /// <summary>The whole numbers of a section whose key names are the user's own.</summary>
    public IReadOnlyDictionary<string, int> Integers(string name, string what, int min, int max)
    {
        var value = Value(name);
        if (!value.IsObject())
        {
            throw Wrong(name, Shown(value), $"it must be a section of {what}");
        }

        var reader = new KeyReader(value, Key(name));
        return HoconTree.Children(value).Keys.ToDictionary(k => k, k => reader.Integer(k, min, max), StringComparer.Ordinal);
    }

    private IReadOnlyList<HoconValue> List(string name, string what)
    {
        var value = Value(name);
        return HoconTree.Items(value) ?? throw Wrong(name, Shown(value), $"it must be a list in square brackets of {what}");
    }

    private HoconValue Value(string name) =>
        HoconTree.Children(section).GetValueOrDefault(name) ?? throw new UserErrorException($"{Key(name)} is missing.");

    private static long? ParseLong(string text, long min, long max) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max ? number : null;

    private static double? ParseNumber(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? number : null;

    private static string Shown(HoconValue value) => HoconTree.IsUnset(value) ? "(nothing)" : HoconWriter.Inline(value);

    private static string Shown(TimeSpan time) => time switch
    {
        { TotalHours: >= 1 } => $"{time.TotalHours:0}h",
        { TotalSeconds: >= 1 } => $"{time.TotalSeconds:0}s",
        _ => $"{time.TotalMilliseconds:0}ms",
    };
}
