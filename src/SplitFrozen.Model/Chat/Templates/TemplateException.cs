namespace SplitFrozen.Model.Chat.Templates;

/// <summary>A template is malformed, uses a construct that is not known here, or refuses what it was given. The message names the construct and, where known, the line.</summary>
internal sealed class TemplateException : Exception
{
    /// <summary>A fault without a place.</summary>
    public TemplateException(string message) : base(message)
    {
    }

    /// <summary>A fault at a line.</summary>
    public TemplateException(int line, string message) : base($"line {line}: {message}")
    {
    }
}
