namespace SplitFrozen.Model.Chat.Templates;

/// <summary>Reads a template's statements.</summary>
internal sealed class TemplateParser
{
    private const int Deepest = 100;

    private readonly TokenCursor _cursor;
    private readonly ExpressionParser _expressions;
    private int _depth;
    private int _loops;

    private TemplateParser(TokenCursor cursor)
    {
        _cursor = cursor;
        _expressions = new ExpressionParser(cursor);
    }

    /// <summary>Parses a template.</summary>
    /// <exception cref="TemplateException">It is malformed, or uses what is not known here.</exception>
    public static IReadOnlyList<Statement> Parse(string source)
    {
        var parser = new TemplateParser(new TokenCursor(TemplateLexer.Read(source)));
        return parser.ReadUntil([], out _);
    }

    /// <summary>Reads statements up to a tag of one of these names, which is taken up to its name.</summary>
    private List<Statement> ReadUntil(ReadOnlySpan<string> ends, out string end)
    {
        if (++_depth > Deepest)
        {
            throw new TemplateException(_cursor.Current.Line, $"blocks are nested more than {Deepest} deep");
        }

        List<Statement> statements = [];
        while (true)
        {
            var token = _cursor.Take();
            switch (token.Kind)
            {
                case TokenKind.Text:
                    statements.Add(new TextStatement(token.Value));
                    break;
                case TokenKind.OutputStart:
                    statements.Add(new OutputStatement(_expressions.ReadTuple()));
                    _cursor.Expect(TokenKind.OutputEnd, "}}");
                    break;
                case TokenKind.TagStart:
                    var name = _cursor.Expect(TokenKind.Name, "the name of a statement");
                    if (ends.Contains(name.Value))
                    {
                        _depth--;
                        end = name.Value;
                        return statements;
                    }

                    statements.Add(ReadStatement(name));
                    break;
                default:
                    _depth--;
                    end = "";
                    return ends.IsEmpty ? statements : throw new TemplateException(token.Line, $"{{% {ends[^1]} %}} is missing at the template's end");
            }
        }
    }

    private Statement ReadStatement(TemplateToken name) => name.Value switch
    {
        "for" => ReadFor(name.Line),
        "if" => ReadIf(),
        "set" => ReadSet(name.Line),
        "macro" => ReadMacro(),
        "generation" => new BlockStatement(ReadBody("endgeneration")),
        "break" when _loops > 0 => ReadFlow(Flow.Break),
        "continue" when _loops > 0 => ReadFlow(Flow.Continue),
        _ => throw new TemplateException(name.Line, $"the statement {{% {name.Value} %}} is not supported here"),
    };

    private FlowStatement ReadFlow(Flow flow)
    {
        EndTag();
        return new FlowStatement(flow);
    }

    private List<Statement> ReadBody(string end)
    {
        EndTag();
        var body = ReadUntil([end], out _);
        EndTag();
        return body;
    }

    private IfStatement ReadIf()
    {
        List<(Expression?, IReadOnlyList<Statement>)> branches = [];
        Expression? condition = _expressions.ReadTuple();
        while (true)
        {
            EndTag();
            var body = ReadUntil(condition is null ? ["endif"] : ["elif", "else", "endif"], out string end);
            branches.Add((condition, body));
            if (end == "endif")
            {
                EndTag();
                return new IfStatement(branches);
            }

            condition = end == "elif" ? _expressions.ReadTuple() : null;
        }
    }

    private ForStatement ReadFor(int line)
    {
        var names = ReadNames();
        if (!_cursor.TryName("in"))
        {
            throw _cursor.Unexpected("in");
        }

        var items = _expressions.ReadOr();
        var condition = _cursor.TryName("if") ? _expressions.Read() : null;
        if (_cursor.Current.IsName("recursive"))
        {
            throw new TemplateException(line, "recursive loops are not supported");
        }

        EndTag();
        _loops++;
        var body = ReadUntil(["else", "endfor"], out string end);
        _loops--;
        EndTag();
        List<Statement> otherwise = [];
        if (end == "else")
        {
            otherwise = ReadUntil(["endfor"], out _);
            EndTag();
        }

        return new ForStatement(line, names, items, condition, body, otherwise);
    }

    private Statement ReadSet(int line)
    {
        var names = ReadNames();
        string? attribute = names.Count == 1 && _cursor.TryOperator(".") ? _cursor.Expect(TokenKind.Name, "an attribute's name").Value : null;
        if (_cursor.TryOperator("="))
        {
            var value = _expressions.ReadTuple();
            EndTag();
            return new SetStatement(line, names, attribute, value);
        }

        return names.Count == 1 && attribute is null
            ? new SetBlockStatement(names[0], ReadBody("endset"))
            : throw _cursor.Unexpected("=");
    }

    private MacroStatement ReadMacro()
    {
        string name = _cursor.Expect(TokenKind.Name, "a macro's name").Value;
        _cursor.Operator("(");
        List<(string, Expression?)> parameters = [];
        while (!_cursor.TryOperator(")"))
        {
            string parameter = _cursor.Expect(TokenKind.Name, "a parameter's name").Value;
            parameters.Add((parameter, _cursor.TryOperator("=") ? _expressions.Read() : null));
            if (!_cursor.Current.IsOperator(")"))
            {
                _cursor.Operator(",");
            }
        }

        int loops = _loops;
        _loops = 0;
        var body = ReadBody("endmacro");
        _loops = loops;
        return new MacroStatement(name, parameters, body);
    }

    private List<string> ReadNames()
    {
        bool inBrackets = _cursor.TryOperator("(");
        List<string> names = [_cursor.Expect(TokenKind.Name, "a name").Value];
        while (_cursor.TryOperator(","))
        {
            names.Add(_cursor.Expect(TokenKind.Name, "a name").Value);
        }

        if (inBrackets)
        {
            _cursor.Operator(")");
        }

        return names;
    }

    private void EndTag() => _cursor.Expect(TokenKind.TagEnd, "%}");
}
