using System.Text.Json.Nodes;

using SplitFrozen.Cli.Tests.Support;
using SplitFrozen.Domain.Generation;

namespace SplitFrozen.Cli.Tests.Generating;

public sealed class GenerateCommandSpecs : IDisposable
{
    private readonly ProgramUnderTest _program = new();

    private FakeComposition Composition => _program.Composition;

    public void Dispose() => _program.Dispose();

    [Fact]
    public async Task Should_print_the_new_text_as_it_comes()
    {
        Assert.Equal(ExitCode.Done, await _program.RunAsync("generate", "--model", _program.At("m"), "--prompt", "Hi [there]", "--max-new-tokens", "7", "--greedy"));

        Assert.Equal("ab" + Environment.NewLine, _program.Output);
        Assert.Equal(["Hi [there]"], Composition.Generator.Prompts);
        Assert.Equal((7, SamplingSpec.Greedy), Composition.Generator.Asked);
        Assert.Equal((_program.At("m"), null, "cpu", Environment.ProcessorCount), Composition.Generating);
        Assert.True(Composition.Generator.IsDisposed);
    }

    [Fact]
    public async Task Should_print_nothing_but_json_when_asked()
    {
        Composition.Generator.Answer = _ => "ä\n\"[b]\"";

        Assert.Equal(ExitCode.Done, await _program.RunAsync("generate", "--prompt", "x", "--json"));

        var json = JsonNode.Parse(_program.Output)!.AsObject();
        Assert.Equal(["text", "ids"], json.Select(p => p.Key));
        Assert.Equal("ä\n\"[b]\"", json["text"]!.GetValue<string>());
        Assert.Equal(["ä\n\"[b]\"".Length, 228], [json["ids"]!.AsArray().Count, json["ids"]![0]!.GetValue<int>()]);
    }

    [Fact]
    public async Task Should_put_the_prompt_into_a_conversation()
    {
        await _program.RunAsync("generate", "--prompt", "hi", "--chat", "--system", "be brief");
        Assert.Equal([new ChatMessage("system", "be brief"), new ChatMessage("user", "hi")], Composition.Generator.Conversation);

        await _program.RunAsync("generate", "--prompt", "hi", "--chat");
        Assert.Equal([new ChatMessage("user", "hi")], Composition.Generator.Conversation);
    }

    [Fact]
    public async Task Should_draw_as_the_options_say()
    {
        await _program.RunAsync("generate", "--prompt", "x", "--temperature", "0.5", "--top-k", "9", "--top-p", "0.8", "--seed", "4", "--threads", "3", "--compute", "cuda:1");

        Assert.Equal(new SamplingSpec(0.5, 9, 0.8, 4), Composition.Generator.Asked!.Value.Sampling);
        Assert.Equal(("cuda:1", 3), (Composition.Generating.Compute, Composition.Generating.Threads));
    }

    [Fact]
    public async Task Should_use_a_runs_adapter_with_the_runs_model()
    {
        var run = await RunAsync();

        Assert.Equal(ExitCode.Done, await _program.RunAsync("generate", "--adapter", run, "--prompt", "x"));
        var byRun = Composition.Generating;
        Assert.Equal(ExitCode.Done, await _program.RunAsync("generate", "--adapter", Path.Combine(run, "adapter"), "--prompt", "x"));

        Assert.Equal(Path.Combine(run, "adapter"), byRun.Adapter);
        Assert.EndsWith("tiny-gpt2", byRun.Model, StringComparison.Ordinal);
        Assert.Equal(byRun, Composition.Generating);
    }

    [Fact]
    public async Task Should_use_a_checkpoints_adapter_with_the_runs_model()
    {
        var checkpoint = Path.Combine(await RunAsync(), "checkpoint", "step-00000001", "adapter");
        Directory.CreateDirectory(checkpoint);
        File.WriteAllText(Path.Combine(checkpoint, "adapter_config.json"), "{}");

        Assert.Equal(ExitCode.Done, await _program.RunAsync("generate", "--adapter", checkpoint, "--prompt", "x"));

        Assert.Equal(checkpoint, Composition.Generating.Adapter);
        Assert.EndsWith("tiny-gpt2", Composition.Generating.Model, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Should_find_the_base_model_that_an_adapter_names()
    {
        var adapter = Adapter();
        Directory.CreateDirectory(_program.At("base"));

        Composition.BaseModel = "../base";
        await _program.RunAsync("generate", "--adapter", adapter, "--prompt", "x");
        Assert.Equal(_program.At("base"), Composition.Generating.Model);

        Composition.BaseModel = "tiny-gpt2";
        await _program.RunAsync("generate", "--adapter", adapter, "--prompt", "x");
        Assert.EndsWith(Path.Combine("assets", "models", "tiny-gpt2"), Composition.Generating.Model, StringComparison.Ordinal);

        await _program.RunAsync("generate", "--adapter", adapter, "--model", _program.At("base"), "--prompt", "x");
        Assert.Equal((_program.At("base"), adapter), (Composition.Generating.Model, Composition.Generating.Adapter));
    }

    [Theory]
    [InlineData("meta-llama/Llama-3.2-1B", "'meta-llama/Llama-3.2-1B', which is no folder here")]
    [InlineData(null, "names no base model")]
    public async Task Should_ask_for_the_base_model_where_it_is_not_to_be_found(string? named, string message)
    {
        Composition.BaseModel = named;

        Assert.Equal(ExitCode.BadInput, await _program.RunAsync("generate", "--adapter", Adapter(), "--prompt", "x"));

        Assert.Contains(message, _program.Error, StringComparison.Ordinal);
        Assert.Contains("--model", _program.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--max-new-tokens is 0", "--max-new-tokens", "0")]
    [InlineData("--threads is 0", "--threads", "0")]
    [InlineData("--temperature is -1", "--temperature", "-1")]
    [InlineData("--top-p is 2", "--top-p", "2")]
    [InlineData("--system is a message of a conversation", "--system", "x")]
    [InlineData("names nothing that is shipped", "--model", "bundled:nothing")]
    [InlineData("is neither a run's folder", "--adapter", "nowhere")]
    public async Task Should_name_the_option_that_is_wrong(string message, string option, string value)
    {
        Assert.Equal(ExitCode.BadInput, await _program.RunAsync("generate", "--prompt", "x", option, value));

        Assert.Contains(message, _program.Error, StringComparison.Ordinal);
        Assert.Empty(_program.Output);
    }

    [Fact]
    public async Task Should_need_a_prompt() => Assert.Equal(ExitCode.BadInput, await _program.RunAsync("generate"));

    [Fact]
    public async Task Should_note_that_the_context_is_full()
    {
        Composition.Generator.Stop = StopReason.ContextFull;

        Assert.Equal(ExitCode.Done, await _program.RunAsync("generate", "--prompt", "x"));

        Assert.Contains("fill the model's context of 3 tokens", _program.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Should_end_in_order_when_stopped()
    {
        Composition.Generator.Stop = StopReason.Stopped;

        Assert.Equal(ExitCode.Stopped, await _program.RunAsync("generate", "--prompt", "x"));
    }

    private string Adapter()
    {
        var folder = _program.At("adapter");
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "adapter_config.json"), "{}");
        return folder;
    }

    private async Task<string> RunAsync()
    {
        await _program.TrainAsync();
        var adapter = Path.Combine(_program.RunFolders[0], "adapter");
        Directory.CreateDirectory(adapter);
        File.WriteAllText(Path.Combine(adapter, "adapter_config.json"), "{}");
        return _program.RunFolders[0];
    }
}
