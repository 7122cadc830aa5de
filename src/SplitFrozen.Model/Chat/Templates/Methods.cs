namespace SplitFrozen.Model.Chat.Templates;

/// <summary>The methods of texts and mappings that templates use. Lists have none: what they have changes them, which templates may not.</summary>
internal static class Methods
{
    private delegate object? Method<in T>(T owner, Arguments arguments);

    private static readonly Dictionary<string, Method<string>> OfText = new(StringComparer.Ordinal)
    {
        ["strip"] = (text, a) => text.Trim(Blanks(a, "strip")),
        ["lstrip"] = (text, a) => text.TrimStart(Blanks(a, "lstrip")),
        ["rstrip"] = (text, a) => text.TrimEnd(Blanks(a, "rstrip")),
        ["upper"] = (text, a) => a.Only("upper") is var _ ? text.ToUpperInvariant() : text,
        ["lower"] = (text, a) => a.Only("lower") is var _ ? text.ToLowerInvariant() : text,
        ["title"] = (text, a) => a.Only("title") is var _ ? TextForms.Title(text) : text,
        ["capitalize"] = (text, a) => a.Only("capitalize") is var _ ? TextForms.Capitalize(text) : text,
        ["startswith"] = (text, a) => Prefixes(a, "startswith").Exists(prefix => text.StartsWith(prefix, StringComparison.Ordinal)),
        ["endswith"] = (text, a) => Prefixes(a, "endswith").Exists(suffix => text.EndsWith(suffix, StringComparison.Ordinal)),
        ["replace"] = Replace,
        ["split"] = (text, a) => Split(text, a, fromRight: false),
        ["rsplit"] = (text, a) => Split(text, a, fromRight: true),
        ["splitlines"] = (text, a) => a.Only("splitlines") is var _ ? Texts(text.TrimEnd('\n').Split('\n')) : null,
        ["join"] = (text, a) => string.Join(text, Values.Items(a.Only("join", "items").Require(0, "items", "join")).Select(item => Values.ToText(item, "join"))),
        ["find"] = (text, a) => (long)text.IndexOf(Text(a.Only("find", "sub"), "sub", "find"), StringComparison.Ordinal),
        ["count"] = (text, a) => (long)Count(text, Text(a.Only("count", "sub"), "sub", "count")),
        ["isdigit"] = (text, a) => a.Only("isdigit") is var _ && text.Length > 0 && text.All(char.IsDigit),
    };

    private static readonly Dictionary<string, Method<Dictionary<string, object?>>> OfMapping = new(StringComparer.Ordinal)
    {
        ["get"] = (mapping, a) =>
            mapping.TryGetValue(Text(a.Only("get", "key", "default"), "key", "get"), out object? value) ? value : a.Get(1, "default", null),
        ["items"] = (mapping, a) => a.Only("items") is var _ ? Pairs(mapping) : null,
        ["keys"] = (mapping, a) => a.Only("keys") is var _ ? Texts(mapping.Keys) : null,
        ["values"] = (mapping, a) => a.Only("values") is var _ ? mapping.Values.ToList() : null,
    };

    /// <summary>A method bound to its owner, or null where it has none of that name.</summary>
    public static Callable? Find(object? owner, string name) => owner switch
    {
        string text when OfText.TryGetValue(name, out var method) => new Callable(name, arguments => method(text, arguments)),
        Dictionary<string, object?> mapping when OfMapping.TryGetValue(name, out var method) => new Callable(name, arguments => method(mapping, arguments)),
        _ => null,
    };

    /// <summary>Lists of a key and its value.</summary>
    public static List<object?> Pairs(Dictionary<string, object?> mapping) =>
        [.. mapping.Select(entry => (object?)new TemplateTuple([entry.Key, entry.Value]))];

    private static List<object?> Texts(IEnumerable<string> texts) => [.. texts];

    private static string Text(Arguments arguments, string name, string callee) => Values.ToText(arguments.Require(0, name, callee), callee);

    /// <summary>The characters that a strip takes; none given means blanks, which .NET spells as no characters.</summary>
    private static char[] Blanks(Arguments arguments, string callee) =>
        arguments.Only(callee, "chars").Get(0, "chars", null) is { } characters ? Values.ToText(characters, callee).ToCharArray() : [];

    private static List<string> Prefixes(Arguments arguments, string callee) => arguments.Only(callee, "prefix").Require(0, "prefix", callee) switch
    {
        List<object?> several => several.ConvertAll(prefix => Values.ToText(prefix, callee)),
        var one => [Values.ToText(one, callee)],
    };

    private static object Replace(string text, Arguments arguments)
    {
        arguments.Only("replace", "old", "new", "count");
        string old = Values.ToText(arguments.Require(0, "old", "replace"), "replace");
        string by = Values.ToText(arguments.Require(1, "new", "replace"), "replace");
        return TextForms.Replace(text, old, by, arguments.Get(2, "count", null) is { } count ? Values.ToInteger(count) : -1);
    }

    private static List<object?> Split(string text, Arguments arguments, bool fromRight)
    {
        arguments.Only("split", "sep", "maxsplit");
        int most = arguments.Get(1, "maxsplit", null) is { } limit && Values.ToInteger(limit) is >= 0 and < int.MaxValue and var given ? (int)given : int.MaxValue - 1;
        if (arguments.Get(0, "sep", null) is not { } separator)
        {
            return most == int.MaxValue - 1
                ? Texts(text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
                : throw new TemplateException("split by blanks with a limit is not supported");
        }

        string between = Values.ToText(separator, "split");
        return between.Length == 0 ? throw new TemplateException("split needs a separator that is not empty")
            : Texts(fromRight ? TextForms.SplitFromRight(text, between, most) : text.Split(between, most + 1));
    }

    private static int Count(string text, string part)
    {
        int count = 0;
        for (int at = 0; part.Length > 0 && (at = text.IndexOf(part, at, StringComparison.Ordinal)) >= 0; at += part.Length)
        {
            count++;
        }

        return count;
    }
}
