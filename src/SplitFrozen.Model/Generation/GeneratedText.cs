using System.Text;
using SplitFrozen.Domain.Generation;

namespace SplitFrozen.Model.Generation;

/// <summary>A text as it grows.</summary>
/// <param name="stream">Settles its characters.</param>
/// <param name="onText">Told each settled piece.</param>
internal sealed class GeneratedText(TextStream stream, Action<string> onText)
{
    private readonly List<int> _ids = [];
    private readonly StringBuilder _text = new();

    /// <summary>Tokens so far.</summary>
    public int Length => _ids.Count;

    /// <summary>Takes the next token.</summary>
    public void Add(int token)
    {
        _ids.Add(token);
        Tell(stream.Add(token));
    }

    /// <summary>Ends the text.</summary>
    public Generated End(StopReason reason)
    {
        Tell(stream.End());
        return new Generated(_text.ToString(), [.. _ids], reason);
    }

    private void Tell(string piece)
    {
        if (piece.Length > 0)
        {
            _text.Append(piece);
            onText(piece);
        }
    }
}
