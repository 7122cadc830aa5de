using System.Globalization;

namespace SplitFrozen.Model.Chat.Templates;

/// <summary>The filters that chat templates use.</summary>
internal static class Filters
{
    private static readonly Dictionary<string, Func<object?, Arguments, object?>> All = new(StringComparer.Ordinal)
    {
        ["trim"] = (v, a) => a.Only("trim", "chars").Get(0, "chars", null) is string chars ? Values.Text(v).Trim(chars.ToCharArray()) : Values.Text(v).Trim(),
        ["tojson"] = (v, a) => JsonText.Write(v, a.Only("tojson", "indent", "ensure_ascii").Get(0, "indent", null) is { } indent ? (int)Values.ToInteger(indent) : null),
        ["length"] = (v, a) => Length(v, a.Only("length")),
        ["count"] = (v, a) => Length(v, a.Only("count")),
        ["upper"] = (v, a) => Plain(a, "upper", Values.Text(v).ToUpperInvariant()),
        ["lower"] = (v, a) => Plain(a, "lower", Values.Text(v).ToLowerInvariant()),
        ["capitalize"] = (v, a) => Plain(a, "capitalize", TextForms.Capitalize(Values.Text(v))),
        ["title"] = (v, a) => Plain(a, "title", TextForms.Title(Values.Text(v))),
        ["string"] = (v, a) => Plain(a, "string", Values.Text(v)),
        ["safe"] = (v, a) => Plain(a, "safe", v),
        ["list"] = (v, a) => Plain(a, "list", Values.Items(v).ToList()),
        ["first"] = (v, a) => Plain(a, "first", Values.Items(v) is [var first, ..] ? first : new Undefined("the first item of an empty list")),
        ["last"] = (v, a) => Plain(a, "last", Values.Items(v) is [.., var last] ? last : new Undefined("the last item of an empty list")),
        ["reverse"] = (v, a) => Plain(a, "reverse", v is string ? string.Concat(Values.Items(v).AsEnumerable().Reverse()) : Values.Items(v).AsEnumerable().Reverse().ToList()),
        ["items"] = (v, a) => Plain(a, "items", v is Dictionary<string, object?> mapping ? Methods.Pairs(mapping) : v is Undefined ? [] : throw new TemplateException($"items needs a mapping, not {Values.Kind(v)}")),
        ["default"] = Default,
        ["d"] = Default,
        ["join"] = (v, a) => string.Join(Values.Text(a.Only("join", "d").Get(0, "d", "")), Values.Items(v).Select(Values.Text)),
        ["replace"] = (v, a) => Replace(Values.Text(v), a.Only("replace", "old", "new", "count")),
        ["int"] = (v, a) => ToInteger(v, a.Only("int", "default")),
        ["float"] = (v, a) => ToFloat(v, a.Only("float", "default")),
        ["abs"] = (v, a) => Plain(a, "abs", v is double number ? (object)Math.Abs(number) : Math.Abs(Values.ToInteger(v))),
        ["indent"] = Indent,
        ["map"] = Map,
        ["select"] = (v, a) => Values.Items(v).Where(item => Passes(item, a, 0)).ToList(),
        ["reject"] = (v, a) => Values.Items(v).Where(item => !Passes(item, a, 0)).ToList(),
        ["selectattr"] = (v, a) => Values.Items(v).Where(item => Passes(Attribute(item, Path(a)), a, 1)).ToList(),
        ["rejectattr"] = (v, a) => Values.Items(v).Where(item => !Passes(Attribute(item, Path(a)), a, 1)).ToList(),
    };

    /// <summary>Whether a filter is known.</summary>
    public static bool IsKnown(string name) => All.ContainsKey(name);

    /// <summary>Applies a filter.</summary>
    public static object? Apply(string name, object? value, Arguments arguments) =>
        All.TryGetValue(name, out var filter) ? filter(value, arguments) : throw new TemplateException($"the filter {name} is not supported");

    private static object? Plain(Arguments arguments, string name, object? value)
    {
        arguments.Only(name);
        return value;
    }

    private static long Length(object? value, Arguments arguments) => arguments.Positional.Count == 0 && value is Undefined ? 0 : Values.Items(value).Count;

    private static object? Default(object? value, Arguments arguments)
    {
        arguments.Only("default", "default_value", "boolean");
        bool isMissing = value is Undefined || (Values.IsTrue(arguments.Get(1, "boolean", false)) && !Values.IsTrue(value));
        return isMissing ? arguments.Get(0, "default_value", "") : value;
    }

    private static string Replace(string text, Arguments arguments) => TextForms.Replace(
        text, Values.Text(arguments.Require(0, "old", "replace")), Values.Text(arguments.Require(1, "new", "replace")),
        arguments.Get(2, "count", null) is { } count ? Values.ToInteger(count) : -1);

    private static object? ToInteger(object? value, Arguments arguments) => value switch
    {
        double number => (long)number,
        string text => long.TryParse(text.Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) ? number : arguments.Get(0, "default", 0L),
        _ when Values.IsNumber(value) => Values.ToInteger(value),
        _ => arguments.Get(0, "default", 0L),
    };

    private static object? ToFloat(object? value, Arguments arguments) => value switch
    {
        string text => double.TryParse(text.Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? number : arguments.Get(0, "default", 0.0),
        _ when Values.IsNumber(value) => Values.ToDouble(value),
        _ => arguments.Get(0, "default", 0.0),
    };

    private static string Indent(object? value, Arguments arguments)
    {
        object? width = arguments.Only("indent", "width", "first", "blank").Get(0, "width", 4L);
        string blanks = width is string text ? text : new string(' ', (int)Values.ToInteger(width));
        return TextForms.Indent(Values.Text(value), blanks, Values.IsTrue(arguments.Get(1, "first", false)), Values.IsTrue(arguments.Get(2, "blank", false)));
    }

    /// <summary><c>map('filter', …)</c> or <c>map(attribute='name')</c>.</summary>
    private static List<object?> Map(object? value, Arguments arguments)
    {
        if (arguments.Named.TryGetValue("attribute", out object? attribute))
        {
            arguments.Only("map", "attribute", "default");
            return [.. Values.Items(value).Select(item => Attribute(item, Values.Text(attribute)))
                .Select(found => found is Undefined ? arguments.Named.GetValueOrDefault("default", found) : found)];
        }

        string filter = Values.ToText(arguments.Require(0, "filter", "map"), "map");
        var rest = arguments with { Positional = [.. arguments.Positional.Skip(1)] };
        return [.. Values.Items(value).Select(item => Apply(filter, item, rest))];
    }

    private static string Path(Arguments arguments) => Values.ToText(arguments.Require(0, "attribute", "the filter"), "the filter");

    /// <summary>An attribute; dots stand between names and indices.</summary>
    private static object? Attribute(object? item, string path) =>
        path.Split('.').Aggregate(item, (owner, name) =>
            Members.Get(owner, long.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out long index) ? index : name, isAttribute: false));

    /// <summary>Whether a value passes the test that an argument names; true values do where none is named.</summary>
    private static bool Passes(object? value, Arguments arguments, int test) => arguments.Positional.Count <= test
        ? Values.IsTrue(value)
        : Tests.Holds(Values.ToText(arguments.Positional[test], "the filter"), value, new Arguments([.. arguments.Positional.Skip(test + 1)], arguments.Named));
}
