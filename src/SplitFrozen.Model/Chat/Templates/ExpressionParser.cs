using System.Globalization;

namespace SplitFrozen.Model.Chat.Templates;

/// <summary>Reads expressions, with Jinja's precedence.</summary>
internal sealed class ExpressionParser(TokenCursor cursor)
{
    private const int Deepest = 200;

    private static readonly HashSet<string> Keywords = new(StringComparer.Ordinal) { "and", "or", "not", "if", "else", "in", "is", "for", "recursive" };

    private int _depth;

    /// <summary>An expression, with an inline if.</summary>
    public Expression Read()
    {
        if (++_depth > Deepest)
        {
            throw new TemplateException(cursor.Current.Line, $"an expression is nested more than {Deepest} deep");
        }

        var value = ReadOr();
        while (cursor.Current.IsName("if"))
        {
            int line = cursor.Take().Line;
            var condition = ReadOr();
            value = new Choice(line, condition, value, cursor.TryName("else") ? Read() : null);
        }

        _depth--;
        return value;
    }

    /// <summary>An expression without an inline if, as after <c>for … in</c>, where an if filters the items.</summary>
    public Expression ReadOr()
    {
        var left = ReadAnd();
        while (cursor.Current.IsName("or"))
        {
            left = new Either(cursor.Take().Line, IsAnd: false, left, ReadAnd());
        }

        return left;
    }

    /// <summary>An expression, or several with commas between them: a tuple.</summary>
    public Expression ReadTuple()
    {
        var first = Read();
        if (!cursor.Current.IsOperator(","))
        {
            return first;
        }

        List<Expression> items = [first];
        while (cursor.TryOperator(",") && cursor.Current.Kind is not (TokenKind.TagEnd or TokenKind.OutputEnd))
        {
            items.Add(Read());
        }

        return new ListOf(first.Line, items, IsTuple: true);
    }

    /// <summary>Arguments in brackets; none where there is no bracket.</summary>
    public ArgumentList ReadArguments()
    {
        if (!cursor.TryOperator("("))
        {
            return ArgumentList.None;
        }

        List<Expression> positional = [];
        List<(string, Expression)> named = [];
        while (!cursor.TryOperator(")"))
        {
            if (cursor.Current.Kind == TokenKind.Name && cursor.Following.IsOperator("="))
            {
                string name = cursor.Take().Value;
                cursor.Take();
                named.Add((name, Read()));
            }
            else if (cursor.Current.IsOperator("*") || cursor.Current.IsOperator("**"))
            {
                throw new TemplateException(cursor.Current.Line, $"arguments by {cursor.Current.Value} are not supported");
            }
            else
            {
                positional.Add(Read());
            }

            if (!cursor.Current.IsOperator(")"))
            {
                cursor.Operator(",");
            }
        }

        return new ArgumentList(positional, named);
    }

    private Expression ReadAnd()
    {
        var left = ReadNot();
        while (cursor.Current.IsName("and"))
        {
            left = new Either(cursor.Take().Line, IsAnd: true, left, ReadNot());
        }

        return left;
    }

    private Expression ReadNot() =>
        cursor.Current.IsName("not") ? new Not(cursor.Take().Line, ReadNot()) : ReadComparison();

    private Expression ReadComparison()
    {
        var first = ReadSum();
        List<(string, Expression)> rest = [];
        while (TakeComparison() is { } comparison)
        {
            rest.Add((comparison, ReadSum()));
        }

        return rest.Count == 0 ? first : new Comparison(first.Line, first, rest);
    }

    private string? TakeComparison()
    {
        if (cursor.Current is { Kind: TokenKind.Operator, Value: "==" or "!=" or "<" or "<=" or ">" or ">=" })
        {
            return cursor.Take().Value;
        }

        if (cursor.TryName("in"))
        {
            return "in";
        }

        if (cursor.Current.IsName("not") && cursor.Following.IsName("in"))
        {
            cursor.Take();
            cursor.Take();
            return "not in";
        }

        return null;
    }

    private Expression ReadSum() => ReadBinary(ReadConcatenation, "+", "-");

    private Expression ReadConcatenation() => ReadBinary(ReadProduct, "~");

    private Expression ReadProduct() => ReadBinary(ReadPower, "*", "/", "//", "%");

    private Expression ReadPower() => ReadBinary(() => ReadSigned(withFilters: true), "**");

    private Expression ReadBinary(Func<Expression> operand, params string[] operators)
    {
        var left = operand();
        while (cursor.Current.Kind == TokenKind.Operator && operators.Contains(cursor.Current.Value))
        {
            var token = cursor.Take();
            left = new Binary(token.Line, token.Value, left, operand());
        }

        return left;
    }

    private Expression ReadSigned(bool withFilters)
    {
        var token = cursor.Current;
        bool isSigned = cursor.TryOperator("-") || cursor.TryOperator("+");
        var value = isSigned ? new Signed(token.Line, token.Value == "-", ReadSigned(withFilters: false)) : ReadPostfix(ReadPrimary());
        return withFilters ? ReadFilters(value) : value;
    }

    private Expression ReadPrimary()
    {
        var token = cursor.Take();
        switch (token.Kind)
        {
            case TokenKind.String:
                string text = token.Value;
                while (cursor.Current.Kind == TokenKind.String)
                {
                    text += cursor.Take().Value;
                }

                return new Literal(token.Line, text);
            case TokenKind.Integer:
                return long.TryParse(token.Value, NumberStyles.None, CultureInfo.InvariantCulture, out long number)
                    ? new Literal(token.Line, number)
                    : throw new TemplateException(token.Line, $"the number {token.Value} is too large");
            case TokenKind.Float:
                return new Literal(token.Line, double.Parse(token.Value, CultureInfo.InvariantCulture));
            case TokenKind.Name when !Keywords.Contains(token.Value):
                return Constant(token);
            case TokenKind.Operator when token.Value is "(" or "[":
                return ReadItems(token);
            case TokenKind.Operator when token.Value == "{":
                return ReadMapping(token.Line);
            default:
                throw new TemplateException(token.Line, $"'{token.Value}' stands where a value should");
        }
    }

    private static Expression Constant(TemplateToken token) => token.Value switch
    {
        "true" or "True" => new Literal(token.Line, true),
        "false" or "False" => new Literal(token.Line, false),
        "none" or "None" => new Literal(token.Line, null),
        _ => new Name(token.Line, token.Value),
    };

    /// <summary>A list, a tuple, or a value in brackets.</summary>
    private Expression ReadItems(TemplateToken open)
    {
        string close = open.Value == "(" ? ")" : "]";
        List<Expression> items = [];
        bool hasComma = false;
        while (!cursor.TryOperator(close))
        {
            items.Add(Read());
            if (!cursor.Current.IsOperator(close))
            {
                cursor.Operator(",");
                hasComma = true;
            }
        }

        bool isTuple = open.Value == "(";
        return isTuple && items.Count == 1 && !hasComma ? items[0] : new ListOf(open.Line, items, isTuple);
    }

    private MappingOf ReadMapping(int line)
    {
        List<(Expression, Expression)> entries = [];
        while (!cursor.TryOperator("}"))
        {
            var key = Read();
            cursor.Operator(":");
            entries.Add((key, Read()));
            if (!cursor.Current.IsOperator("}"))
            {
                cursor.Operator(",");
            }
        }

        return new MappingOf(line, entries);
    }

    /// <summary>Attributes, items, slices and calls behind a value.</summary>
    private Expression ReadPostfix(Expression value)
    {
        while (true)
        {
            var token = cursor.Current;
            if (cursor.TryOperator("."))
            {
                var name = cursor.Take();
                value = name.Kind switch
                {
                    TokenKind.Name => new Member(token.Line, value, new Literal(token.Line, name.Value), IsAttribute: true),
                    TokenKind.Integer => new Member(token.Line, value, new Literal(token.Line, long.Parse(name.Value, CultureInfo.InvariantCulture)), IsAttribute: false),
                    _ => throw new TemplateException(token.Line, "a dot needs a name behind it"),
                };
            }
            else if (cursor.TryOperator("["))
            {
                value = ReadSubscript(value, token.Line);
            }
            else if (token.IsOperator("("))
            {
                value = new Call(token.Line, value, ReadArguments());
            }
            else
            {
                return value;
            }
        }
    }

    private Expression ReadSubscript(Expression owner, int line)
    {
        var from = cursor.Current.IsOperator(":") ? null : Read();
        if (cursor.TryOperator("]"))
        {
            return new Member(line, owner, from!, IsAttribute: false);
        }

        cursor.Operator(":");
        var to = Bound();
        var step = cursor.TryOperator(":") ? Bound() : null;
        cursor.Operator("]");
        return new Slice(line, owner, from, to, step);

        Expression? Bound() => cursor.Current.IsOperator(":") || cursor.Current.IsOperator("]") ? null : Read();
    }

    /// <summary>Filters and tests behind a value.</summary>
    private Expression ReadFilters(Expression value)
    {
        while (true)
        {
            if (cursor.TryOperator("|"))
            {
                var name = cursor.Expect(TokenKind.Name, "the name of a filter");
                value = Filters.IsKnown(name.Value)
                    ? new Filtered(name.Line, value, name.Value, ReadArguments())
                    : throw new TemplateException(name.Line, $"the filter {name.Value} is not supported");
            }
            else if (cursor.TryName("is"))
            {
                value = ReadTest(value);
            }
            else if (cursor.Current.IsOperator("("))
            {
                value = new Call(cursor.Current.Line, value, ReadArguments());
            }
            else
            {
                return value;
            }
        }
    }

    private Tested ReadTest(Expression value)
    {
        bool isNegated = cursor.TryName("not");
        var name = cursor.Take();
        if (!Tests.IsKnown(name.Value))
        {
            throw new TemplateException(name.Line, $"the test {name.Value} is not supported");
        }

        // An argument may stand without brackets: x is eq 2.
        var arguments = cursor.Current.IsOperator("(") || !Tests.TakesArgument(name.Value)
            ? ReadArguments()
            : new ArgumentList([ReadPostfix(ReadPrimary())], []);
        return new Tested(name.Line, value, name.Value, isNegated, arguments);
    }
}
