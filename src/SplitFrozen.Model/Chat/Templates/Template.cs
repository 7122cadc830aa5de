using System.Globalization;

namespace SplitFrozen.Model.Chat.Templates;

/// <summary>
/// A template in the part of Jinja that chat templates use (https://jinja.palletsprojects.com, "Template Designer Documentation"), rendered as Hugging
/// Face renders them. What is not supported is refused by name, most of it when the template is read.
/// </summary>
internal sealed class Template
{
    private readonly IReadOnlyList<Statement> _statements;

    private Template(IReadOnlyList<Statement> statements) => _statements = statements;

    /// <summary>Parses a template.</summary>
    /// <exception cref="TemplateException">It is malformed, or uses what is not known here.</exception>
    public static Template Parse(string source) => new(TemplateParser.Parse(source));

    /// <summary>Renders it.</summary>
    /// <param name="variables">Values by name, in the forms of <see cref="Values"/>.</param>
    /// <param name="now">The time that <c>strftime_now</c> tells.</param>
    /// <exception cref="TemplateException">It asks for what is not there, or raises an exception itself.</exception>
    public string Render(IReadOnlyDictionary<string, object?> variables, DateTimeOffset now)
    {
        var scope = new Scope(null);
        foreach (var function in Functions(now))
        {
            scope.Set(function.Name, function);
        }

        foreach (var (name, value) in variables)
        {
            scope.Set(name, value);
        }

        var output = new Output();
        Statement.RunAll(_statements, new Scope(scope), output);
        return output.ToString();
    }

    private static IEnumerable<Callable> Functions(DateTimeOffset now) =>
    [
        new Callable("raise_exception", a => throw new TemplateException($"the template refuses this conversation: {Values.Text(a.Require(0, "message", "raise_exception"))}")),
        new Callable("namespace", a => MakeNamespace(a)),
        new Callable("dict", a => a.Only("dict", [.. a.Named.Keys]) is var _ ? a.Named.ToDictionary(StringComparer.Ordinal) : null),
        new Callable("range", Range),
        new Callable("strftime_now", a => StrfTime.Format(now, Values.ToText(a.Only("strftime_now", "format").Require(0, "format", "strftime_now"), "strftime_now"))),
    ];

    private static TemplateNamespace MakeNamespace(Arguments arguments)
    {
        var space = new TemplateNamespace();
        foreach (var (name, value) in arguments.Positional.OfType<Dictionary<string, object?>>().SelectMany(mapping => mapping).Concat(arguments.Named))
        {
            space.Values[name] = value;
        }

        return space;
    }

    private static List<object?> Range(Arguments arguments)
    {
        const int most = 1_000_000;
        long[] bounds = [.. arguments.Only("range", "start", "stop", "step").Positional.Select(Values.ToInteger)];
        var (start, stop, step) = bounds switch
        {
            [var end] => (0L, end, 1L),
            [var from, var end] => (from, end, 1L),
            [var from, var end, var by] when by != 0 => (from, end, by),
            _ => throw new TemplateException("range needs one to three whole numbers, the third of which is not 0"),
        };
        List<object?> numbers = [];
        for (long i = start; step > 0 ? i < stop : i > stop; i += step)
        {
            numbers.Add(numbers.Count < most ? i : throw new TemplateException(string.Create(CultureInfo.InvariantCulture, $"range has more than {most} numbers")));
        }

        return numbers;
    }
}
