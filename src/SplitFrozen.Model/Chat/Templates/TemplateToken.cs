namespace SplitFrozen.Model.Chat.Templates;

/// <summary>Kinds of tokens.</summary>
internal enum TokenKind
{
    /// <summary>Text outside of tags.</summary>
    Text,

    /// <summary><c>{{</c></summary>
    OutputStart,

    /// <summary><c>}}</c></summary>
    OutputEnd,

    /// <summary><c>{%</c></summary>
    TagStart,

    /// <summary><c>%}</c></summary>
    TagEnd,

    /// <summary>A name or keyword.</summary>
    Name,

    /// <summary>A string without its quotes, escapes resolved.</summary>
    String,

    /// <summary>A whole number.</summary>
    Integer,

    /// <summary>A number with a fraction.</summary>
    Float,

    /// <summary>An operator or bracket.</summary>
    Operator,

    /// <summary>The end of the template.</summary>
    End,
}

/// <summary>A token of a template.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Value">Its text.</param>
/// <param name="Line">Where it begins, from 1.</param>
internal readonly record struct TemplateToken(TokenKind Kind, string Value, int Line)
{
    /// <summary>Whether it is this operator.</summary>
    public bool IsOperator(string value) => Kind == TokenKind.Operator && Value == value;

    /// <summary>Whether it is this name.</summary>
    public bool IsName(string value) => Kind == TokenKind.Name && Value == value;
}
