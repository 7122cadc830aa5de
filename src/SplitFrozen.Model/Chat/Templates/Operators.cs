namespace SplitFrozen.Model.Chat.Templates;

/// <summary>What operators do.</summary>
internal static class Operators
{
    /// <summary>Applies an arithmetic operator, or <c>~</c>, or <c>+</c> to two texts or lists.</summary>
    public static object? Apply(string name, object? left, object? right) => (name, left, right) switch
    {
        ("~", _, _) => Values.Text(left) + Values.Text(right),
        ("+", string a, string b) => a + b,
        ("+", List<object?> a, List<object?> b) => (List<object?>)[.. a, .. b],
        ("*", string text, long times) => Repeated(text, times),
        ("/", _, _) when Both(left, right) => Values.ToDouble(left) / NotZero(Values.ToDouble(right)),
        ("**", _, _) when Both(left, right) => Power(left, right),
        (_, double, _) or (_, _, double) when Both(left, right) => OnDoubles(name, Values.ToDouble(left), Values.ToDouble(right)),
        _ when Both(left, right) => OnIntegers(name, Values.ToInteger(left), Values.ToInteger(right)),
        _ => throw new TemplateException($"{Values.Kind(left)} {name} {Values.Kind(right)} has no value"),
    };

    /// <summary>Whether a comparison holds.</summary>
    public static bool Holds(string comparison, object? left, object? right) => comparison switch
    {
        "==" => Values.AreEqual(left, right),
        "!=" => !Values.AreEqual(left, right),
        "in" => Values.Contains(right, left),
        "not in" => !Values.Contains(right, left),
        "<" => Values.Compare(left, right) < 0,
        "<=" => Values.Compare(left, right) <= 0,
        ">" => Values.Compare(left, right) > 0,
        _ => Values.Compare(left, right) >= 0,
    };

    private static bool Both(object? left, object? right) => Values.IsNumber(left) && Values.IsNumber(right);

    private static string Repeated(string text, long times) => times is >= 0 and <= 10_000
        ? string.Concat(Enumerable.Repeat(text, (int)times))
        : throw new TemplateException($"a text cannot be repeated {times} times");

    private static object Power(object? left, object? right)
    {
        double power = Math.Pow(Values.ToDouble(left), Values.ToDouble(right));
        return left is double || right is double || Values.ToInteger(right) < 0 ? (object)power : (long)power;
    }

    private static double OnDoubles(string name, double a, double b) => name switch
    {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        "//" => Math.Floor(a / NotZero(b)),
        _ => a - (b * Math.Floor(a / NotZero(b))),
    };

    private static long OnIntegers(string name, long a, long b) => name switch
    {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        "//" => FloorDivide(a, b),
        _ => a - (b * FloorDivide(a, b)),
    };

    /// <summary>Towards minus infinity, as Python divides.</summary>
    private static long FloorDivide(long a, long b) => (long)Math.Floor((decimal)a / (b == 0 ? throw Zero() : b));

    private static double NotZero(double value) => value == 0 ? throw Zero() : value;

    private static TemplateException Zero() => new("division by zero");
}
