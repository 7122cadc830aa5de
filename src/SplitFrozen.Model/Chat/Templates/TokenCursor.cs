namespace SplitFrozen.Model.Chat.Templates;

/// <summary>Walks over a template's tokens.</summary>
internal sealed class TokenCursor(IReadOnlyList<TemplateToken> tokens)
{
    private int _at;

    /// <summary>The token at hand.</summary>
    public TemplateToken Current => tokens[_at];

    /// <summary>The token after that.</summary>
    public TemplateToken Following => tokens[Math.Min(_at + 1, tokens.Count - 1)];

    /// <summary>Takes the token at hand.</summary>
    public TemplateToken Take()
    {
        var token = Current;
        _at = Math.Min(_at + 1, tokens.Count - 1);
        return token;
    }

    /// <summary>Takes the token at hand if it is this operator.</summary>
    public bool TryOperator(string value) => TakeIf(Current.IsOperator(value));

    /// <summary>Takes the token at hand if it is this name.</summary>
    public bool TryName(string value) => TakeIf(Current.IsName(value));

    /// <summary>Takes an operator that must stand here.</summary>
    public void Operator(string value)
    {
        if (!TryOperator(value))
        {
            throw Unexpected(value);
        }
    }

    /// <summary>Takes a token of a kind that must stand here.</summary>
    public TemplateToken Expect(TokenKind kind, string what) => Current.Kind == kind ? Take() : throw Unexpected(what);

    /// <summary>The error of a token that has no place where it stands.</summary>
    public TemplateException Unexpected(string wanted) => new(Current.Line, $"{Described(Current)} stands where {wanted} should");

    private bool TakeIf(bool fits)
    {
        if (fits)
        {
            Take();
        }

        return fits;
    }

    private static string Described(TemplateToken token) => token.Kind switch
    {
        TokenKind.End => "the template's end",
        TokenKind.Text => "text",
        TokenKind.OutputStart => "{{",
        TokenKind.OutputEnd => "}}",
        TokenKind.TagStart => "{%",
        TokenKind.TagEnd => "%}",
        TokenKind.String => $"the text '{token.Value}'",
        _ => $"'{token.Value}'",
    };
}
