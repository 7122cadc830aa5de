using System.Text.Json;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Generation;
using SplitFrozen.Model.Chat.Templates;
using SplitFrozen.Model.Files;
using SplitFrozen.Model.Gguf;
using SplitFrozen.Model.Tokenizers;

namespace SplitFrozen.Model.Chat;

/// <summary>
/// A model folder's chat template: <c>chat_template.jinja</c>, or <c>chat_template</c> of tokenizer_config.json (a text, or a list of named ones of which
/// <c>default</c> is taken), or a GGUF file's metadata.
/// </summary>
internal sealed class ChatTemplate
{
    private const string TemplateFile = "chat_template.jinja";
    private const string ConfigurationFile = "tokenizer_config.json";
    private const string Key = "chat_template";

    private readonly string _origin;
    private readonly Template _template;
    private readonly Dictionary<string, object?> _tokens;

    private ChatTemplate(string origin, Template template, Dictionary<string, object?> tokens) =>
        (_origin, _template, _tokens) = (origin, template, tokens);

    /// <summary>Reads a model's template.</summary>
    /// <exception cref="UserErrorException">There is none, or it cannot be read; the message names the construct.</exception>
    public static ChatTemplate Open(ModelFiles files, ITextTokenizer tokenizer)
    {
        string path = files.In(ConfigurationFile);
        JsonView? configuration = File.Exists(path) ? JsonView.Read(path) : null;
        var tokens = SpecialTokens(configuration);
        Fill(tokens, "bos_token", tokenizer.BeginOfText, tokenizer);
        Fill(tokens, "eos_token", tokenizer.EndOfText, tokenizer);
        string alone = files.In(TemplateFile);
        return File.Exists(alone) ? Parse(alone, ReadText(alone), tokens)
            : configuration?.Optional(Key) is { } template ? Parse($"{path}, {template.Place}", Text(template), tokens)
            : files.OpenGguf()?.Metadata.Text(GgufTokenizer.ChatTemplateKey) is { } inside ? Parse($"{files.GgufPath}, {GgufTokenizer.ChatTemplateKey}", inside, tokens)
            : throw new UserErrorException(
                $"The model in '{files.Path}' has no chat template: there is neither {TemplateFile} nor the key {Key} in {ConfigurationFile}. "
                + "Leave --chat away and give the prompt in the form that the model was trained on, or use a model that was tuned for conversations.");
    }

    /// <summary>A template of its own, for tests.</summary>
    /// <param name="origin">Where it comes from, for messages.</param>
    /// <param name="source">The template.</param>
    /// <param name="tokens">The special tokens' texts by the names by which templates know them, such as bos_token.</param>
    internal static ChatTemplate Parse(string origin, string source, Dictionary<string, object?> tokens)
    {
        try
        {
            return new ChatTemplate(origin, Template.Parse(source), tokens);
        }
        catch (TemplateException e)
        {
            throw Refused(origin, e);
        }
    }

    /// <summary>The text of a conversation, as the model was trained on it.</summary>
    /// <param name="messages">What was said so far.</param>
    /// <param name="addGenerationPrompt">Whether it ends with the beginning of the assistant's answer.</param>
    /// <exception cref="UserErrorException">The template refuses the conversation, or asks for what is not there.</exception>
    public string Render(IReadOnlyList<ChatMessage> messages, bool addGenerationPrompt)
    {
        var variables = new Dictionary<string, object?>(_tokens, StringComparer.Ordinal)
        {
            ["messages"] = messages.Select(object? (message) => new Dictionary<string, object?>(StringComparer.Ordinal)
            {
                ["role"] = message.Role,
                ["content"] = message.Content,
            }).ToList(),
            ["add_generation_prompt"] = addGenerationPrompt,
            ["tools"] = null,
            ["documents"] = null,
        };
        try
        {
            return _template.Render(variables, TimeProvider.System.GetLocalNow());
        }
        catch (TemplateException e)
        {
            throw Refused(_origin, e);
        }
    }

    /// <summary>The special tokens that the tokenizer's configuration names.</summary>
    private static Dictionary<string, object?> SpecialTokens(JsonView? configuration)
    {
        var tokens = new Dictionary<string, object?>(StringComparer.Ordinal);
        foreach (var (name, value) in configuration?.Members() ?? [])
        {
            if (name.EndsWith("_token", StringComparison.Ordinal) && value.Element.ValueKind is (JsonValueKind.String or JsonValueKind.Object))
            {
                tokens[name] = value.Element.ValueKind == JsonValueKind.Object ? value.Optional("content")?.Text() : value.Text();
            }
        }

        return tokens;
    }

    private static void Fill(Dictionary<string, object?> tokens, string name, int? id, ITextTokenizer tokenizer)
    {
        if (id is { } token && !tokens.ContainsKey(name))
        {
            tokens[name] = tokenizer.Decode([token], skipSpecialTokens: false);
        }
    }

    private static string Text(JsonView template)
    {
        if (template.Element.ValueKind != JsonValueKind.Array)
        {
            return template.Text();
        }

        var named = template.Items().ToList();
        return named.Where(item => item.Required("name").Text() == "default").Select(item => item.Required("template").Text()).FirstOrDefault()
            ?? throw template.Error("lists templates, but none of the name default");
    }

    private static string ReadText(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"'{path}' cannot be read: {e.Message} Check that it may be read.", e);
        }
    }

    private static UserErrorException Refused(string origin, TemplateException e) =>
        new($"The chat template of {origin} cannot be used: {e.Message}. Leave --chat away and give the prompt in the model's own form.", e);
}
