using SplitFrozen.Domain;
using SplitFrozen.Domain.Generation;
using SplitFrozen.Model.Chat;
using SplitFrozen.Model.Files;
using SplitFrozen.Model.Peft;
using SplitFrozen.Model.Tokenizers;
using SplitFrozen.Protocol;

namespace SplitFrozen.Model.Generation;

/// <summary>Continues texts with a model folder and, where one is given, an adapter folder.</summary>
public sealed class TextGenerator : ITextGenerator
{
    private readonly ModelFiles _files;
    private readonly ITextTokenizer _tokenizer;
    private readonly LanguageModel _model;
    private readonly IReadOnlySet<int> _ends;
    private readonly float[] _logits;
    private readonly int _choices;

    private TextGenerator(ModelFiles files, ITextTokenizer tokenizer, LanguageModel model)
    {
        _files = files;
        _tokenizer = tokenizer;
        _model = model;
        _ends = EndTokens.Read(files, tokenizer);
        _logits = new float[model.Shape.Vocabulary];
        // Rows beyond the tokenizer's pad the embedding; they stand for nothing.
        _choices = Math.Min(model.Shape.Vocabulary, tokenizer.VocabularySize);
    }

    /// <summary>Loads a model to generate with.</summary>
    /// <param name="model">Model folder, or a GGUF file.</param>
    /// <param name="adapter">A PEFT folder, or null.</param>
    /// <param name="compute">Compute device: <c>cpu</c> or <c>cuda:N</c>.</param>
    /// <exception cref="UserErrorException">Files are missing or do not fit, or model or adapter are a classifier's.</exception>
    public static TextGenerator Open(string model, string? adapter, string compute)
    {
        var files = ModelFiles.Find(model);
        var architecture = Architecture.Read(files);
        RequireLanguageModel(files);
        var device = ComputeDevice.Parse(compute);
        var peft = adapter is null ? null : PeftAdapter.Open(adapter);
        if (peft is { Task: TaskKind.Classification })
        {
            throw new UserErrorException(
                $"The adapter in '{adapter}' was trained to classify: it has a head that names labels and none that writes text. Use `splitfrozen eval` with its run, or generate with an adapter that was trained on questions and answers.");
        }

        var tokenizer = TokenizerFolder.Open(model);
        var weights = WeightStore.Open(files, architecture, device);
        TokenizerFolder.RequireFit(tokenizer, architecture.Shape(0).Vocabulary, model);
        return new TextGenerator(files, tokenizer, new LanguageModel(architecture, weights, peft, device));
    }

    /// <inheritdoc/>
    public int[] Tokenize(string prompt)
    {
        int[] bare = _tokenizer.Encode(prompt, addSpecialTokens: false);
        int[] whole = _tokenizer.Encode(prompt, addSpecialTokens: true);

        // A prompt that brings its begin-of-text with it does not get a second one.
        int[] tokens = bare.Length > 0 && bare[0] == _tokenizer.BeginOfText && whole[0] == bare[0] ? bare : whole;
        return tokens.Length > 0 ? tokens
            : (_tokenizer.BeginOfText ?? _tokenizer.EndOfText) is { } start ? [start]
            : throw new UserErrorException("The prompt is empty, and this model's tokenizer names no token that begins a text. Give it something to continue (--prompt).");
    }

    /// <inheritdoc/>
    public int[] Tokenize(IReadOnlyList<ChatMessage> messages) =>
        _tokenizer.Encode(ChatTemplate.Open(_files, _tokenizer).Render(messages, addGenerationPrompt: true), addSpecialTokens: false);

    /// <inheritdoc/>
    public string Decode(IReadOnlyList<int> ids) => _tokenizer.Decode(ids);

    /// <inheritdoc/>
    public Generated Generate(ReadOnlySpan<int> prompt, int maxNewTokens, SamplingSpec sampling, Action<string> onText, CancellationToken stop)
    {
        Check(prompt, maxNewTokens);
        using var cache = _model.NewCache();
        var text = new GeneratedText(new TextStream(_tokenizer, prompt), onText);
        var sampler = new TokenSampler(sampling, _choices);
        int[] last = [0];
        var next = prompt;
        while (!stop.IsCancellationRequested)
        {
            _model.Forward(next, cache, _logits);
            last[0] = sampler.Next(_logits.AsSpan(0, _choices));
            next = last;
            if (Add(text, last[0], prompt.Length, maxNewTokens) is { } reason)
            {
                return text.End(reason);
            }
        }

        return text.End(StopReason.Stopped);
    }

    /// <inheritdoc/>
    public void GenerateEach(IReadOnlyList<int[]> prompts, int maxNewTokens, Action<int, Generated> onText, CancellationToken stop)
    {
        foreach (int[] prompt in prompts)
        {
            Check(prompt, maxNewTokens);
        }

        using var batch = new TextBatch(_model, _choices, (text, token, promptLength) => Add(text, token, promptLength, maxNewTokens), onText);
        for (int next = 0; (next < prompts.Count || !batch.IsEmpty) && !stop.IsCancellationRequested;)
        {
            if (next < prompts.Count && batch.HasRoom)
            {
                batch.Begin(next, prompts[next], new GeneratedText(new TextStream(_tokenizer, prompts[next]), _ => { }));
                next++;
            }
            else
            {
                batch.GoOn();
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _model.Dispose();

    private void Check(ReadOnlySpan<int> prompt, int maxNewTokens)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(prompt.Length, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxNewTokens, 1);
        if (prompt.Length >= _model.Shape.Context)
        {
            throw new UserErrorException($"The prompt has {prompt.Length} tokens, and the model's context is {_model.Shape.Context}: there is no room for a new one. Shorten the prompt.");
        }
    }

    /// <summary>Adds a token to a text; says why the text ends with it, or null where it goes on.</summary>
    private StopReason? Add(GeneratedText text, int token, int promptLength, int maxNewTokens)
    {
        text.Add(token);
        return _ends.Contains(token) ? StopReason.EndOfText
            : text.Length == maxNewTokens ? StopReason.TokenLimit
            : promptLength + text.Length == _model.Shape.Context ? StopReason.ContextFull
            : null;
    }

    private static void RequireLanguageModel(ModelFiles files)
    {
        string path = files.In("config.json");
        if (File.Exists(path) && ConfigJson.Read(path).Texts("architectures") is [var name, ..] && name.EndsWith("ForSequenceClassification", StringComparison.Ordinal))
        {
            throw new UserErrorException($"The model in '{files.Path}' is a {name}: it names labels and writes no text. Use a language model's folder (--model).");
        }
    }
}
