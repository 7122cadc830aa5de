using SplitFrozen.Domain.Generation;
using SplitFrozen.Model.Generation;
using SplitFrozen.Model.Tests.Support;

namespace SplitFrozen.Assets.Tests;

/// <summary>Texts of SmolLM2 from its GGUF file against the reference.</summary>
public sealed class GenerationSpecs
{
    private const int NewTokens = 40;

    [Fact]
    public void Should_give_the_reference_greedy_texts_of_smollm2()
    {
        using var generator = TextGenerator.Open(AssetsFolder.Find("models", "smollm2-135m"), null, "cpu");
        foreach (var item in Json.Read(AssetsFolder.Find("golden", "smollm2-135m", "logits.json")).GetProperty("greedy").EnumerateArray())
        {
            int[] prompt = generator.Tokenize(item.GetProperty("prompt").GetString()!);
            Assert.Equal(item.GetProperty("prompt_ids").Ints(), prompt);
            var generated = generator.Generate(prompt, NewTokens, SamplingSpec.Greedy, _ => { }, default);
            Assert.Equal(item.GetProperty("new_ids").Ints(), generated.Ids);
            Assert.Equal(item.GetProperty("text").GetString(), generated.Text);
            Assert.Equal(generated.Ids.Count < NewTokens ? StopReason.EndOfText : StopReason.TokenLimit, generated.Stop);
        }
    }

    [Fact]
    public void Should_put_a_message_into_smollm2s_chat_template()
    {
        using var generator = TextGenerator.Open(AssetsFolder.Find("models", "smollm2-135m"), null, "cpu");
        int[] tokens = generator.Tokenize([new ChatMessage("user", "What is the capital of France?")]);
        int[] expected = generator.Tokenize(
            "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
            + "<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\n");
        Assert.Equal(expected, tokens);
        Assert.Equal(expected, generator.Tokenize(
        [
            new ChatMessage("system", "You are a helpful AI assistant named SmolLM, trained by Hugging Face"), new ChatMessage("user", "What is the capital of France?"),
        ]));
    }

    [Fact]
    public void Should_read_the_chat_template_and_end_tokens_of_a_gguf_file_alone()
    {
        // Linked into a folder of its own, where no configuration or tokenizer files lie beside it.
        var folder = Directory.CreateTempSubdirectory("splitfrozen-assets-");
        try
        {
            var link = Path.Combine(folder.FullName, "model.gguf");
            File.CreateSymbolicLink(link, AssetsFolder.Find("models", "smollm2-135m", "SmolLM2-135M-Instruct.Q4_1.gguf"));
            CheckAlone(link);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static void CheckAlone(string file)
    {
        using var alone = TextGenerator.Open(file, null, "cpu");
        using var whole = TextGenerator.Open(AssetsFolder.Find("models", "smollm2-135m"), null, "cpu");
        ChatMessage[] messages = [new("user", "What is the capital of France?")];
        Assert.Equal(whole.Tokenize(messages), alone.Tokenize(messages));
        var generated = alone.Generate(alone.Tokenize(messages), NewTokens, SamplingSpec.Greedy, _ => { }, default);
        Assert.Equal(StopReason.EndOfText, generated.Stop);
        Assert.Equal(whole.Generate(whole.Tokenize(messages), NewTokens, SamplingSpec.Greedy, _ => { }, default).Ids, generated.Ids);
    }
}
