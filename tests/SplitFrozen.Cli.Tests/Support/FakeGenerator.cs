using SplitFrozen.Domain.Generation;

namespace SplitFrozen.Cli.Tests.Support;

/// <summary>A generator that says what a test tells it to. A token is a character.</summary>
internal sealed class FakeGenerator : ITextGenerator
{
    /// <summary>What it answers to a prompt.</summary>
    public Func<string, string> Answer { get; set; } = _ => "ab";

    /// <summary>Why its texts end.</summary>
    public StopReason Stop { get; set; } = StopReason.EndOfText;

    /// <summary>The prompts so far.</summary>
    public List<string> Prompts { get; } = [];

    /// <summary>The last limit and choice of tokens.</summary>
    public (int MaxNewTokens, SamplingSpec Sampling)? Asked { get; private set; }

    /// <summary>The last conversation.</summary>
    public IReadOnlyList<ChatMessage>? Conversation { get; private set; }

    /// <summary>Whether of several texts the last one ends first.</summary>
    public bool EndsLastFirst { get; set; }

    public bool IsDisposed { get; private set; }

    public int[] Tokenize(string prompt) => [.. prompt.Select(c => (int)c)];

    public int[] Tokenize(IReadOnlyList<ChatMessage> messages)
    {
        Conversation = messages;
        return Tokenize(string.Concat(messages.Select(m => $"<{m.Role}>{m.Content}")));
    }

    public Generated Generate(ReadOnlySpan<int> prompt, int maxNewTokens, SamplingSpec sampling, Action<string> onText, CancellationToken stop)
    {
        Asked = (maxNewTokens, sampling);
        Prompts.Add(Decode(prompt.ToArray()));
        if (stop.IsCancellationRequested)
        {
            return new Generated("", [], StopReason.Stopped);
        }

        var answer = Answer(Prompts[^1]);
        foreach (var c in answer)
        {
            onText(c.ToString());
        }

        return new Generated(answer, Tokenize(answer), Stop);
    }

    public void GenerateEach(IReadOnlyList<int[]> prompts, int maxNewTokens, Action<int, Generated> onText, CancellationToken stop)
    {
        foreach (var i in EndsLastFirst ? Enumerable.Range(0, prompts.Count).Reverse() : Enumerable.Range(0, prompts.Count))
        {
            if (!stop.IsCancellationRequested)
            {
                onText(i, Generate(prompts[i], maxNewTokens, SamplingSpec.Greedy, _ => { }, stop));
            }
        }
    }

    public string Decode(IReadOnlyList<int> ids) => string.Concat(ids.Select(id => (char)id));

    public void Dispose() => IsDisposed = true;
}
