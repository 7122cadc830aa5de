using System.Text;

namespace SplitFrozen.Model.Chat.Templates;

/// <summary>A part of a template.</summary>
internal abstract record Statement
{
    /// <summary>Writes what it comes to.</summary>
    public abstract Flow Run(Scope scope, Output output);

    /// <summary>Runs statements one after another, until one breaks the flow.</summary>
    public static Flow RunAll(IReadOnlyList<Statement> statements, Scope scope, Output output)
    {
        foreach (var statement in statements)
        {
            if (statement.Run(scope, output) is var flow && flow != Flow.Next)
            {
                return flow;
            }
        }

        return Flow.Next;
    }
}

/// <summary>What comes after a statement.</summary>
internal enum Flow
{
    /// <summary>The next statement.</summary>
    Next,

    /// <summary>The next pass of the loop.</summary>
    Continue,

    /// <summary>The end of the loop.</summary>
    Break,
}

/// <summary>The text that a template comes to. Bounded: a template is another's program.</summary>
internal sealed class Output
{
    private const int MostCharacters = 1 << 26;
    private const int MostPasses = 10_000_000;

    private readonly StringBuilder _text = new();
    private int _passes;

    /// <summary>Writes text.</summary>
    public void Write(string text)
    {
        if (_text.Length + text.Length > MostCharacters)
        {
            throw new TemplateException($"the template writes more than {MostCharacters} characters");
        }

        _text.Append(text);
    }

    /// <summary>Counts a pass of a loop.</summary>
    public void CountPass()
    {
        if (++_passes > MostPasses)
        {
            throw new TemplateException($"the template's loops make more than {MostPasses} passes");
        }
    }

    /// <inheritdoc/>
    public override string ToString() => _text.ToString();
}

/// <summary>Text as it stands.</summary>
internal sealed record TextStatement(string Text) : Statement
{
    /// <inheritdoc/>
    public override Flow Run(Scope scope, Output output)
    {
        output.Write(Text);
        return Flow.Next;
    }
}

/// <summary><c>{{ value }}</c></summary>
internal sealed record OutputStatement(Expression Value) : Statement
{
    /// <inheritdoc/>
    public override Flow Run(Scope scope, Output output)
    {
        output.Write(Values.Text(Value.Value(scope)));
        return Flow.Next;
    }
}

/// <summary><c>{% if %} … {% elif %} … {% else %}</c></summary>
/// <param name="Branches">Conditions and what is run; a null condition always holds.</param>
internal sealed record IfStatement(IReadOnlyList<(Expression? Condition, IReadOnlyList<Statement> Body)> Branches) : Statement
{
    /// <inheritdoc/>
    public override Flow Run(Scope scope, Output output)
    {
        foreach (var (condition, body) in Branches)
        {
            if (condition is null || Values.IsTrue(condition.Value(scope)))
            {
                return RunAll(body, scope, output);
            }
        }

        return Flow.Next;
    }
}

/// <summary><c>{% set a, b = value %}</c>, or <c>{% set a.b = value %}</c> for a namespace.</summary>
internal sealed record SetStatement(int Line, IReadOnlyList<string> Names, string? Attribute, Expression Value) : Statement
{
    /// <inheritdoc/>
    public override Flow Run(Scope scope, Output output)
    {
        object? value = Value.Value(scope);
        if (Attribute is null)
        {
            Assign(scope, Line, Names, value);
        }
        else if (scope.Get(Names[0]) is TemplateNamespace space)
        {
            space.Values[Attribute] = value;
        }
        else
        {
            throw new TemplateException(Line, $"only a namespace's attributes can be set, and {Names[0]} is none");
        }

        return Flow.Next;
    }

    /// <summary>Sets one name, or takes a list apart over several.</summary>
    public static void Assign(Scope scope, int line, IReadOnlyList<string> names, object? value)
    {
        if (names.Count == 1)
        {
            scope.Set(names[0], value);
            return;
        }

        var parts = Values.Items(value);
        if (parts.Count != names.Count)
        {
            throw new TemplateException(line, $"{parts.Count} values do not go into {names.Count} names");
        }

        for (int i = 0; i < names.Count; i++)
        {
            scope.Set(names[i], parts[i]);
        }
    }
}

/// <summary><c>{% set a %} … {% endset %}</c></summary>
internal sealed record SetBlockStatement(string Name, IReadOnlyList<Statement> Body) : Statement
{
    /// <inheritdoc/>
    public override Flow Run(Scope scope, Output output)
    {
        var text = new Output();
        var flow = RunAll(Body, new Scope(scope), text);
        scope.Set(Name, text.ToString());
        return flow;
    }
}

/// <summary><c>{% for a, b in items if condition %} … {% else %} … {% endfor %}</c></summary>
internal sealed record ForStatement(
    int Line, IReadOnlyList<string> Names, Expression Items, Expression? Condition, IReadOnlyList<Statement> Body, IReadOnlyList<Statement> Else) : Statement
{
    /// <inheritdoc/>
    public override Flow Run(Scope scope, Output output)
    {
        var items = Chosen(scope);
        if (items.Count == 0)
        {
            return RunAll(Else, scope, output);
        }

        for (int i = 0; i < items.Count; i++)
        {
            output.CountPass();
            var inner = new Scope(scope);
            SetStatement.Assign(inner, Line, Names, items[i]);
            inner.Set("loop", Loop(items, i));
            if (RunAll(Body, inner, output) == Flow.Break)
            {
                break;
            }
        }

        return Flow.Next;
    }

    private List<object?> Chosen(Scope scope)
    {
        var items = Values.Items(Items.Value(scope));
        return Condition is null ? items : items.FindAll(item =>
        {
            var inner = new Scope(scope);
            SetStatement.Assign(inner, Line, Names, item);
            return Values.IsTrue(Condition.Value(inner));
        });
    }

    private static Dictionary<string, object?> Loop(List<object?> items, int i) => new(StringComparer.Ordinal)
    {
        ["index"] = i + 1L,
        ["index0"] = (long)i,
        ["revindex"] = (long)(items.Count - i),
        ["revindex0"] = items.Count - i - 1L,
        ["first"] = i == 0,
        ["last"] = i == items.Count - 1,
        ["length"] = (long)items.Count,
        ["previtem"] = i > 0 ? items[i - 1] : new Undefined("loop.previtem of the first pass"),
        ["nextitem"] = i < items.Count - 1 ? items[i + 1] : new Undefined("loop.nextitem of the last pass"),
    };
}

/// <summary><c>{% break %}</c> or <c>{% continue %}</c></summary>
internal sealed record FlowStatement(Flow Flow) : Statement
{
    /// <inheritdoc/>
    public override Flow Run(Scope scope, Output output) => Flow;
}

/// <summary><c>{% generation %} … {% endgeneration %}</c>, which marks the assistant's text for training and changes nothing here.</summary>
internal sealed record BlockStatement(IReadOnlyList<Statement> Body) : Statement
{
    /// <inheritdoc/>
    public override Flow Run(Scope scope, Output output) => RunAll(Body, scope, output);
}

/// <summary><c>{% macro name(a, b=value) %} … {% endmacro %}</c></summary>
internal sealed record MacroStatement(string Name, IReadOnlyList<(string Name, Expression? Default)> Parameters, IReadOnlyList<Statement> Body) : Statement
{
    private const int DeepestCall = 100;

    /// <inheritdoc/>
    public override Flow Run(Scope scope, Output output)
    {
        int depth = 0;
        scope.Set(Name, new Callable(Name, arguments =>
        {
            if (++depth > DeepestCall)
            {
                throw new TemplateException($"the macro {Name} calls itself more than {DeepestCall} deep");
            }

            string text = Expand(scope, arguments);
            depth--;
            return text;
        }));
        return Flow.Next;
    }

    private string Expand(Scope scope, Arguments arguments)
    {
        arguments.Only($"the macro {Name}", [.. Parameters.Select(parameter => parameter.Name)]);
        var inner = new Scope(scope);
        for (int i = 0; i < Parameters.Count; i++)
        {
            var (name, otherwise) = Parameters[i];
            bool isGiven = i < arguments.Positional.Count || arguments.Named.ContainsKey(name);
            inner.Set(name, isGiven ? arguments.Get(i, name, null) : otherwise is null ? new Undefined(name) : otherwise.Value(inner));
        }

        var text = new Output();
        RunAll(Body, inner, text);
        return text.ToString();
    }
}
