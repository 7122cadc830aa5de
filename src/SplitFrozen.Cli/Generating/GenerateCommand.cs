using System.CommandLine;
using System.Globalization;
using System.Text.Json;

using SplitFrozen.Cli.Runs;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Generation;

namespace SplitFrozen.Cli.Generating;

/// <summary>Writes text with a model and, where one is given, an adapter: <c>generate</c>.</summary>
internal sealed class GenerateCommand
{
    private const string DefaultModel = "bundled:tiny-gpt2";

    private readonly Option<string?> _model = new("--model") { Description = $"Model folder (default: the adapter's base model, or {DefaultModel})", HelpName = "DIR" };
    private readonly Option<string?> _adapter = new("--adapter") { Description = "Adapter: a run's folder or a PEFT folder", HelpName = "DIR|RUN" };
    private readonly Option<string> _prompt = new("--prompt") { Description = "What is continued; special tokens in it are read as such", HelpName = "TEXT", Required = true };
    private readonly Option<int> _tokens = new("--max-new-tokens") { Description = "Tokens at most", HelpName = "N", DefaultValueFactory = _ => 128 };
    private readonly Option<bool> _chat = new("--chat") { Description = "The prompt is a user's message: put it into the model's chat template" };
    private readonly Option<string?> _system = new("--system") { Description = "With --chat: a system message before it", HelpName = "TEXT" };
    private readonly Option<bool> _greedy = new("--greedy") { Description = "Always take the most probable token" };
    private readonly Option<double> _temperature = new("--temperature") { Description = "Divides the logits; smaller is more certain, 0 is greedy", HelpName = "T", DefaultValueFactory = _ => 0.7 };
    private readonly Option<int> _topK = new("--top-k") { Description = "Draw from the K most probable tokens only; 0: from all", HelpName = "K", DefaultValueFactory = _ => 50 };
    private readonly Option<double> _topP = new("--top-p") { Description = "Draw from the most probable tokens that make up this share only; 1: from all", HelpName = "P", DefaultValueFactory = _ => 0.95 };
    private readonly Option<long> _seed = new("--seed") { Description = "Seed of the draws", HelpName = "N", DefaultValueFactory = _ => 1 };
    private readonly Option<string> _compute = new("--compute") { Description = "Where it is computed: cpu or cuda:N", HelpName = "DEVICE", DefaultValueFactory = _ => "cpu" };
    private readonly Option<int> _threads = new("--threads") { Description = "Threads of a matrix product (default: all processors)", HelpName = "N", DefaultValueFactory = _ => Environment.ProcessorCount };
    private readonly Option<bool> _json = new("--json") { Description = "Print the new text and its token ids as JSON" };

    private GenerateCommand()
    {
    }

    /// <summary>The command.</summary>
    public static Command Create(CliEnvironment environment)
    {
        var options = new GenerateCommand();
        var command = new Command("generate", "Continue a text with a language model, and with an adapter that was trained on it.")
        {
            options._model, options._adapter, options._prompt, options._tokens, options._chat, options._system, options._greedy, options._temperature,
            options._topK, options._topP, options._seed, options._compute, options._threads, options._json,
        };
        command.SetAction((line, _) => Task.FromResult((int)options.Run(environment, line)));
        return command;
    }

    private ExitCode Run(CliEnvironment environment, ParseResult line)
    {
        var sampling = line.GetValue(_greedy) ? SamplingSpec.Greedy
            : new SamplingSpec(line.GetValue(_temperature), line.GetValue(_topK), line.GetValue(_topP), line.GetValue(_seed)).Checked();
        var tokens = AtLeastOne("--max-new-tokens", line.GetValue(_tokens));
        if (line.GetValue(_system) is not null && !line.GetValue(_chat))
        {
            throw new UserErrorException("--system is a message of a conversation and needs --chat.");
        }

        using var generator = Open(environment, line);
        var prompt = Tokenize(generator, line);
        var isJson = line.GetValue(_json);
        var output = environment.Out.Profile.Out.Writer;
        var generated = generator.Generate(prompt, tokens, sampling, piece => Stream(output, piece, isJson), environment.Stop.Token);
        output.WriteLine(isJson ? JsonSerializer.Serialize(new Figures(generated.Text, generated.Ids), RunJson.Line) : "");
        if (generated.Stop == StopReason.ContextFull)
        {
            Notes.Say(environment.Error, string.Create(
                CultureInfo.InvariantCulture, $"the text ends because prompt and text fill the model's context of {prompt.Length + generated.Ids.Count} tokens."));
        }

        return generated.Stop == StopReason.Stopped ? ExitCode.Stopped : ExitCode.Done;
    }

    private ITextGenerator Open(CliEnvironment environment, ParseResult line)
    {
        var composition = environment.Composition;
        var place = line.GetValue(_adapter) is { } named ? AdapterPlace.Find(named) : null;
        var given = line.GetValue(_model);
        var model = place?.Model(given, composition) ?? AdapterPlace.ModelFolder(given ?? DefaultModel);
        return composition.OpenGenerator(model, place?.Folder, line.GetValue(_compute)!, AtLeastOne("--threads", line.GetValue(_threads)));
    }

    private int[] Tokenize(ITextGenerator generator, ParseResult line)
    {
        var prompt = line.GetValue(_prompt)!;
        if (!line.GetValue(_chat))
        {
            return generator.Tokenize(prompt);
        }

        var message = new ChatMessage("user", prompt);
        return generator.Tokenize(line.GetValue(_system) is { } system ? [new ChatMessage("system", system), message] : [message]);
    }

    private static void Stream(TextWriter output, string piece, bool isJson)
    {
        if (!isJson)
        {
            output.Write(piece);
            output.Flush();
        }
    }

    private static int AtLeastOne(string option, int value) => value >= 1 ? value
        : throw new UserErrorException(string.Create(CultureInfo.InvariantCulture, $"{option} is {value}; it must be at least 1."));

    private sealed record Figures(string Text, IReadOnlyList<int> Ids);
}
