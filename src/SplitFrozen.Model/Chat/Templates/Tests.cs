namespace SplitFrozen.Model.Chat.Templates;

/// <summary>The tests that chat templates use: <c>x is name</c>.</summary>
internal static class Tests
{
    private static readonly Dictionary<string, Func<object?, bool>> Plain = new(StringComparer.Ordinal)
    {
        ["defined"] = v => v is not Undefined,
        ["undefined"] = v => v is Undefined,
        ["none"] = v => v is null,
        ["string"] = v => v is string,
        ["number"] = v => v is long or double or bool,
        ["integer"] = v => v is long,
        ["float"] = v => v is double,
        ["boolean"] = v => v is bool,
        ["true"] = v => v is true,
        ["false"] = v => v is false,
        ["mapping"] = v => v is Dictionary<string, object?>,
        ["sequence"] = v => v is string or List<object?> or Dictionary<string, object?>,
        ["iterable"] = v => v is string or List<object?> or Dictionary<string, object?> or Undefined,
        ["callable"] = v => v is Callable,
        ["odd"] = v => Values.ToInteger(v) % 2 != 0,
        ["even"] = v => Values.ToInteger(v) % 2 == 0,
    };

    private static readonly Dictionary<string, string> Comparisons = new(StringComparer.Ordinal)
    {
        ["eq"] = "==",
        ["equalto"] = "==",
        ["=="] = "==",
        ["ne"] = "!=",
        ["!="] = "!=",
        ["in"] = "in",
        ["lt"] = "<",
        ["lessthan"] = "<",
        ["<"] = "<",
        ["le"] = "<=",
        ["<="] = "<=",
        ["gt"] = ">",
        ["greaterthan"] = ">",
        [">"] = ">",
        ["ge"] = ">=",
        [">="] = ">=",
    };

    /// <summary>Whether a test is known.</summary>
    public static bool IsKnown(string name) => Plain.ContainsKey(name) || Comparisons.ContainsKey(name);

    /// <summary>Whether a test takes an argument.</summary>
    public static bool TakesArgument(string name) => Comparisons.ContainsKey(name);

    /// <summary>Whether a test holds.</summary>
    public static bool Holds(string name, object? value, Arguments arguments)
    {
        if (Comparisons.TryGetValue(name, out string? comparison))
        {
            return Operators.Holds(comparison, value, arguments.Only(name, "other").Require(0, "other", $"the test {name}"));
        }

        arguments.Only(name);
        return Plain.TryGetValue(name, out var test) ? test(value) : throw new TemplateException($"the test {name} is not supported");
    }
}
