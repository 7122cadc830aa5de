using System.Globalization;
using System.Text;

namespace SplitFrozen.Model.Chat.Templates;

/// <summary>
/// Cuts a template into tokens, with the whitespace rules under which chat templates are rendered (trim_blocks and lstrip_blocks): a statement or comment
/// alone on its line leaves no trace of the line; <c>-</c> beside a delimiter strips all whitespace on that side, <c>+</c> keeps it.
/// </summary>
internal sealed class TemplateLexer
{
    private static readonly string[] Operators =
    [
        "==", "!=", "<=", ">=", "//", "**", "<", ">", "=", "+", "-", "*", "/", "%", "~", "|", ".", ",", ":", "(", ")", "[", "]", "{", "}",
    ];

    private readonly string _source;
    private readonly List<TemplateToken> _tokens = [];
    private int _at;
    private int _line = 1;
    private int _depth;

    private TemplateLexer(string source) => _source = source;

    /// <summary>The tokens of a template, the last of which is its end.</summary>
    public static IReadOnlyList<TemplateToken> Read(string source)
    {
        string text = source.Replace("\r\n", "\n", StringComparison.Ordinal);

        // One newline at the very end does not count.
        var lexer = new TemplateLexer(text.EndsWith('\n') ? text[..^1] : text);
        lexer.ReadAll();
        return lexer._tokens;
    }

    private void ReadAll()
    {
        bool stripLeft = false;
        while (_at < _source.Length)
        {
            int start = FindTag();
            string text = _source[_at..start];
            char opener = start < _source.Length ? _source[start + 1] : '\0';
            char sign = start + 2 < _source.Length ? _source[start + 2] : '\0';
            AddText(Trimmed(text, stripLeft, opener, sign));
            Skip(start - _at);
            stripLeft = start < _source.Length && ReadTag(opener, sign);
        }

        _tokens.Add(new TemplateToken(TokenKind.End, "", _line));
    }

    private int FindTag()
    {
        for (int i = _source.IndexOf('{', _at); i >= 0 && i + 1 < _source.Length; i = _source.IndexOf('{', i + 1))
        {
            if (_source[i + 1] is '{' or '%' or '#')
            {
                return i;
            }
        }

        return _source.Length;
    }

    /// <summary>The text before a tag, stripped as the tags on both sides ask for.</summary>
    private string Trimmed(string text, bool stripLeft, char opener, char sign)
    {
        string trimmed = stripLeft ? text.TrimStart() : text;
        if (sign == '-')
        {
            return trimmed.TrimEnd();
        }

        // A statement or comment takes the blanks before it, if there is nothing else on its line.
        bool takesBlanks = opener is '%' or '#' && sign != '+';
        int lineStart = trimmed.LastIndexOf('\n') + 1;
        bool isLineStart = lineStart > 0 || (_at == 0 && !stripLeft) || (!stripLeft && _at > 0 && _source[_at - 1] == '\n');
        return takesBlanks && isLineStart && trimmed.AsSpan(lineStart).Trim(" \t\v\f\r").IsEmpty ? trimmed[..lineStart] : trimmed;
    }

    private void AddText(string text)
    {
        if (text.Length > 0)
        {
            _tokens.Add(new TemplateToken(TokenKind.Text, text, _line));
        }
    }

    /// <summary>Reads a whole tag; true if whitespace after it is to be stripped.</summary>
    private bool ReadTag(char opener, char sign)
    {
        int line = _line;
        Skip(sign is '-' or '+' ? 3 : 2);
        if (opener == '#')
        {
            int end = _source.IndexOf("#}", _at, StringComparison.Ordinal);
            if (end < 0)
            {
                throw new TemplateException(line, "the comment {# is not closed by #}");
            }

            bool strips = end > _at && _source[end - 1] == '-';
            Skip(end + 2 - _at);
            SkipNewline();
            return strips;
        }

        bool isOutput = opener == '{';
        _tokens.Add(new TemplateToken(isOutput ? TokenKind.OutputStart : TokenKind.TagStart, "", line));
        return ReadInside(isOutput, line);
    }

    private bool ReadInside(bool isOutput, int line)
    {
        string close = isOutput ? "}}" : "%}";
        _depth = 0;
        while (true)
        {
            SkipBlanks();
            if (_at >= _source.Length)
            {
                throw new TemplateException(line, $"{(isOutput ? "{{" : "{%")} is not closed by {close}");
            }

            bool strips = _source[_at] == '-' && Begins(close, _at + 1);
            bool keeps = !isOutput && _source[_at] == '+' && Begins(close, _at + 1);
            if (strips || keeps || (_depth == 0 && Begins(close, _at)))
            {
                Skip(strips || keeps ? 3 : 2);
                _tokens.Add(new TemplateToken(isOutput ? TokenKind.OutputEnd : TokenKind.TagEnd, "", _line));
                if (!isOutput && !keeps)
                {
                    SkipNewline();
                }

                return strips;
            }

            ReadToken();
        }
    }

    private void ReadToken()
    {
        char c = _source[_at];
        if (c is '"' or '\'')
        {
            ReadString(c);
        }
        else if (char.IsAsciiDigit(c))
        {
            ReadNumber();
        }
        else if (char.IsLetter(c) || c == '_')
        {
            int end = _at;
            while (end < _source.Length && (char.IsLetterOrDigit(_source[end]) || _source[end] == '_'))
            {
                end++;
            }

            Add(TokenKind.Name, _source[_at..end], end - _at);
        }
        else
        {
            string found = Operators.FirstOrDefault(o => Begins(o, _at)) ?? throw new TemplateException(_line, $"the character {c} has no place in a tag");
            _depth += found is "{" or "[" or "(" ? 1 : found is "}" or "]" or ")" ? -1 : 0;
            Add(TokenKind.Operator, found, found.Length);
        }
    }

    private void ReadNumber()
    {
        int end = _at;
        while (end < _source.Length && (char.IsAsciiDigit(_source[end]) || _source[end] == '_'))
        {
            end++;
        }

        bool isFloat = end + 1 < _source.Length && _source[end] == '.' && char.IsAsciiDigit(_source[end + 1]);
        for (end += isFloat ? 1 : 0; isFloat && end < _source.Length && char.IsAsciiDigit(_source[end]);)
        {
            end++;
        }

        Add(isFloat ? TokenKind.Float : TokenKind.Integer, _source[_at..end].Replace("_", "", StringComparison.Ordinal), end - _at);
    }

    private void ReadString(char quote)
    {
        var text = new StringBuilder();
        int at = _at + 1;
        while (true)
        {
            if (at >= _source.Length)
            {
                throw new TemplateException(_line, "a string is not closed");
            }

            char c = _source[at++];
            if (c == quote)
            {
                break;
            }

            text.Append(c == '\\' && at < _source.Length ? Escaped(ref at) : c.ToString());
        }

        Add(TokenKind.String, text.ToString(), at - _at);
    }

    private string Escaped(ref int at)
    {
        char c = _source[at++];
        int digits = c switch { 'x' => 2, 'u' => 4, 'U' => 8, _ => 0 };
        if (digits == 0)
        {
            return c switch
            {
                'n' => "\n",
                't' => "\t",
                'r' => "\r",
                'a' => "\a",
                'b' => "\b",
                'f' => "\f",
                'v' => "\v",
                '0' => "\0",
                '\n' => "",
                '\\' or '\'' or '"' => c.ToString(),
                _ => "\\" + c,
            };
        }

        if (at + digits > _source.Length || !int.TryParse(_source.AsSpan(at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int code))
        {
            throw new TemplateException(_line, $"\\{c} in a string needs {digits} hexadecimal digits");
        }

        at += digits;
        return code > 0xFFFF ? char.ConvertFromUtf32(code) : ((char)code).ToString();
    }

    private void Add(TokenKind kind, string value, int length)
    {
        _tokens.Add(new TemplateToken(kind, value, _line));
        Skip(length);
    }

    private bool Begins(string text, int at) => string.CompareOrdinal(_source, at, text, 0, text.Length) == 0;

    private void SkipBlanks()
    {
        while (_at < _source.Length && char.IsWhiteSpace(_source[_at]))
        {
            Skip(1);
        }
    }

    private void SkipNewline() => Skip(_at < _source.Length && _source[_at] == '\n' ? 1 : 0);

    private void Skip(int count)
    {
        _line += _source.AsSpan(_at, count).Count('\n');
        _at += count;
    }
}
