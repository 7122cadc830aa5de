namespace SplitFrozen.Model.Chat.Templates;

/// <summary>An expression.</summary>
/// <param name="Line">Where it stands, from 1.</param>
internal abstract record Expression(int Line)
{
    /// <summary>Its value.</summary>
    public abstract object? Value(Scope scope);

    /// <summary>Runs work of this expression; a fault without a place gets this one's.</summary>
    protected object? At(Func<object?> work)
    {
        try
        {
            return work();
        }
        catch (TemplateException e) when (!e.Message.StartsWith("line ", StringComparison.Ordinal))
        {
            throw new TemplateException(Line, e.Message);
        }
    }
}

/// <summary>A constant.</summary>
internal sealed record Literal(int Line, object? Constant) : Expression(Line)
{
    /// <inheritdoc/>
    public override object? Value(Scope scope) => Constant;
}

/// <summary>A name.</summary>
internal sealed record Name(int Line, string Identifier) : Expression(Line)
{
    /// <inheritdoc/>
    public override object? Value(Scope scope) => scope.Get(Identifier);
}

/// <summary>A list or tuple.</summary>
internal sealed record ListOf(int Line, IReadOnlyList<Expression> Items, bool IsTuple) : Expression(Line)
{
    /// <inheritdoc/>
    public override object? Value(Scope scope)
    {
        var items = Items.Select(item => item.Value(scope));
        return IsTuple ? new TemplateTuple(items) : items.ToList();
    }
}

/// <summary>A mapping.</summary>
internal sealed record MappingOf(int Line, IReadOnlyList<(Expression Key, Expression Value)> Entries) : Expression(Line)
{
    /// <inheritdoc/>
    public override object? Value(Scope scope) => At(() =>
    {
        var mapping = new Dictionary<string, object?>(StringComparer.Ordinal);
        foreach (var (key, value) in Entries)
        {
            mapping[Values.ToText(key.Value(scope), "the key of a mapping")] = value.Value(scope);
        }

        return mapping;
    });
}

/// <summary>An operator between two values.</summary>
internal sealed record Binary(int Line, string Operator, Expression Left, Expression Right) : Expression(Line)
{
    /// <inheritdoc/>
    public override object? Value(Scope scope) => At(() => Operators.Apply(Operator, Left.Value(scope), Right.Value(scope)));
}

/// <summary>and, or: the value that decides.</summary>
internal sealed record Either(int Line, bool IsAnd, Expression Left, Expression Right) : Expression(Line)
{
    /// <inheritdoc/>
    public override object? Value(Scope scope) => Left.Value(scope) is var left && Values.IsTrue(left) == IsAnd ? Right.Value(scope) : left;
}

/// <summary>not.</summary>
internal sealed record Not(int Line, Expression Operand) : Expression(Line)
{
    /// <inheritdoc/>
    public override object? Value(Scope scope) => !Values.IsTrue(Operand.Value(scope));
}

/// <summary>A sign.</summary>
internal sealed record Signed(int Line, bool IsNegative, Expression Operand) : Expression(Line)
{
    /// <inheritdoc/>
    public override object? Value(Scope scope) =>
        At(() => Operators.Apply(IsNegative ? "-" : "+", 0L, Operand.Value(scope)));
}

/// <summary>A chain of comparisons: each neighbouring pair must hold.</summary>
internal sealed record Comparison(int Line, Expression First, IReadOnlyList<(string Operator, Expression Operand)> Rest) : Expression(Line)
{
    /// <inheritdoc/>
    public override object? Value(Scope scope) => At(() =>
    {
        object? left = First.Value(scope);
        foreach (var (comparison, operand) in Rest)
        {
            object? right = operand.Value(scope);
            if (!Operators.Holds(comparison, left, right))
            {
                return false;
            }

            left = right;
        }

        return true;
    });
}

/// <summary>a if condition else b.</summary>
internal sealed record Choice(int Line, Expression Condition, Expression Then, Expression? Else) : Expression(Line)
{
    /// <inheritdoc/>
    public override object? Value(Scope scope) => Values.IsTrue(Condition.Value(scope)) ? Then.Value(scope)
        : Else is null ? new Undefined("the missing else of an inline if") : Else.Value(scope);
}

/// <summary>An attribute or item: <c>a.b</c>, <c>a['b']</c>, <c>a[0]</c>.</summary>
internal sealed record Member(int Line, Expression Owner, Expression Key, bool IsAttribute) : Expression(Line)
{
    /// <inheritdoc/>
    public override object? Value(Scope scope) => At(() => Members.Get(Owner.Value(scope), Key.Value(scope), IsAttribute));
}

/// <summary>A slice: <c>a[from:to:step]</c>.</summary>
internal sealed record Slice(int Line, Expression Owner, Expression? From, Expression? To, Expression? Step) : Expression(Line)
{
    /// <inheritdoc/>
    public override object? Value(Scope scope) => At(() => Members.Slice(Owner.Value(scope), Bound(From, scope), Bound(To, scope), Bound(Step, scope)));

    private static long? Bound(Expression? bound, Scope scope) => bound?.Value(scope) is { } value ? Values.ToInteger(value) : null;
}

/// <summary>A call.</summary>
internal sealed record Call(int Line, Expression Callee, ArgumentList Arguments) : Expression(Line)
{
    /// <inheritdoc/>
    public override object? Value(Scope scope) => At(() => Callee.Value(scope) switch
    {
        Callable callable => callable.Call(Arguments.Evaluate(scope)),
        Undefined undefined => throw new TemplateException($"the function {undefined.Name} is not supported"),
        var other => throw new TemplateException($"{Values.Kind(other)} cannot be called"),
    });
}

/// <summary>A filter: <c>a | name(arguments)</c>.</summary>
internal sealed record Filtered(int Line, Expression Operand, string Filter, ArgumentList Arguments) : Expression(Line)
{
    /// <inheritdoc/>
    public override object? Value(Scope scope) => At(() => Filters.Apply(Filter, Operand.Value(scope), Arguments.Evaluate(scope)));
}

/// <summary>A test: <c>a is name</c>.</summary>
internal sealed record Tested(int Line, Expression Operand, string Test, bool IsNegated, ArgumentList Arguments) : Expression(Line)
{
    /// <inheritdoc/>
    public override object? Value(Scope scope) => At(() => Tests.Holds(Test, Operand.Value(scope), Arguments.Evaluate(scope)) != IsNegated);
}

/// <summary>Arguments before they are evaluated.</summary>
internal sealed record ArgumentList(IReadOnlyList<Expression> Positional, IReadOnlyList<(string Name, Expression Value)> Named)
{
    /// <summary>No arguments.</summary>
    public static ArgumentList None { get; } = new([], []);

    /// <summary>The arguments' values.</summary>
    public Arguments Evaluate(Scope scope) => new(
        [.. Positional.Select(argument => argument.Value(scope))],
        Named.ToDictionary(argument => argument.Name, argument => argument.Value.Value(scope), StringComparer.Ordinal));
}
