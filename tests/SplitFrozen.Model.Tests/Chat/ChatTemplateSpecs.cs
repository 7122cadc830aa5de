using System.Text.Json;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Generation;
using SplitFrozen.Model.Chat;
using SplitFrozen.Model.Chat.Templates;
using SplitFrozen.Model.Files;
using SplitFrozen.Model.Tests.Support;
using SplitFrozen.Model.Tokenizers;

namespace SplitFrozen.Model.Tests.Chat;

/// <summary>Chat templates against what Jinja2 makes of them; tests/Fixtures/chat-templates/make.py wrote the cases.</summary>
public sealed class ChatTemplateSpecs
{
    private static readonly JsonElement Cases = Json.Read(Repository.Fixture("chat-templates", "cases.json"));

    public static TheoryData<int> Chats => [.. Enumerable.Range(0, Cases.GetProperty("chats").GetArrayLength())];

    public static TheoryData<int> Parts => [.. Enumerable.Range(0, Cases.GetProperty("parts").GetArrayLength())];

    [Theory]
    [MemberData(nameof(Chats))]
    public void Should_render_conversations_as_jinja_does(int index)
    {
        var item = Cases.GetProperty("chats")[index];
        var tokens = (Dictionary<string, object?>)JsonText.Read(Cases.GetProperty("tokens"))!;
        var template = ChatTemplate.Parse(item.GetProperty("name").GetString()!, item.GetProperty("template").GetString()!, tokens);
        ChatMessage[] messages =
        [
            .. item.GetProperty("messages").EnumerateArray().Select(m => new ChatMessage(m.GetProperty("role").GetString()!, m.GetProperty("content").GetString()!)),
        ];
        bool addPrompt = item.GetProperty("add_generation_prompt").GetBoolean();
        if (item.GetProperty("refusal").GetString() is { } refusal)
        {
            var error = Assert.Throws<UserErrorException>(() => template.Render(messages, addPrompt));
            Assert.Contains(refusal, error.Message, StringComparison.Ordinal);
        }
        else
        {
            Assert.Equal(item.GetProperty("text").GetString(), template.Render(messages, addPrompt));
        }
    }

    [Theory]
    [MemberData(nameof(Parts))]
    public void Should_render_each_construct_as_jinja_does(int index)
    {
        var item = Cases.GetProperty("parts")[index];
        string source = item.GetProperty("template").GetString()!;
        var variables = (Dictionary<string, object?>)JsonText.Read(item.GetProperty("variables"))!;
        Assert.Equal(item.GetProperty("text").GetString(), Template.Parse(source).Render(variables, DateTimeOffset.UnixEpoch));
    }

    [Theory]
    [InlineData("{% include 'x' %}", "the statement {% include %} is not supported")]
    [InlineData("a\n{% call f() %}{% endcall %}", "line 2: the statement {% call %} is not supported")]
    [InlineData("{{ x | wordwrap }}", "the filter wordwrap is not supported")]
    [InlineData("{{ x is sameas(y) }}", "the test sameas is not supported")]
    [InlineData("{{ lipsum() }}", "the function lipsum is not supported")]
    [InlineData("{{ [].append(1) }}", "the method append of a list is not supported")]
    [InlineData("{{ 'a'.encode() }}", "the method encode of a text is not supported")]
    [InlineData("{% for x in y recursive %}{% endfor %}", "recursive loops are not supported")]
    [InlineData("{{ x.y.z }}", "'x' is undefined")]
    [InlineData("{{ 'a' + 1 }}", "a text + a number has no value")]
    [InlineData("{{ 1 / 0 }}", "division by zero")]
    [InlineData("{% if true %}a", "{% endif %} is missing at the template's end")]
    [InlineData("{% endfor %}", "the statement {% endfor %} is not supported here")]
    [InlineData("{{ 1 + }}", "stands where a value should")]
    [InlineData("{{ 1 ", "{{ is not closed by }}")]
    [InlineData("{# a", "{# is not closed by #}")]
    [InlineData("{{ 'a }}", "a string is not closed")]
    [InlineData("{{ a ? b }}", "the character ? has no place in a tag")]
    [InlineData("{% set a.b = 1 %}", "only a namespace's attributes can be set")]
    [InlineData("{% set a, b = [1] %}", "1 values do not go into 2 names")]
    [InlineData("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "calls itself more than")]
    [InlineData("{% for i in range(1000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}", "passes")]
    [InlineData("{% break %}", "the statement {% break %} is not supported here")]
    [InlineData("{{ x | tojson(separators=',') }}", "the argument separators of tojson is not supported")]
    public void Should_name_what_it_refuses(string source, string message)
    {
        var error = Assert.Throws<UserErrorException>(() => ChatTemplate.Parse("the model", source, []).Render([new ChatMessage("user", "hi")], true));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.Contains("the model", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"chat_template": "T{{ bos_token }}{{ eos_token }}", "bos_token": "<s>", "eos_token": {"content": "</s>"}}""", "T<s></s>")]
    [InlineData("""{"chat_template": [{"name": "tool_use", "template": "A"}, {"name": "default", "template": "B"}]}""", "B")]
    public void Should_read_the_forms_of_tokenizer_config(string json, string expected)
    {
        using var folder = new TestFolder();
        File.WriteAllText(folder.File("tokenizer_config.json"), json);
        Assert.Equal(expected, Open(folder).Render([], false));
    }

    [Fact]
    public void Should_prefer_a_template_file_of_its_own()
    {
        using var folder = new TestFolder();
        File.WriteAllText(folder.File("tokenizer_config.json"), """{"chat_template": "A", "bos_token": "<s>"}""");
        File.WriteAllText(folder.File("chat_template.jinja"), "B{{ bos_token }}\n");
        Assert.Equal("B<s>", Open(folder).Render([], false));
    }

    [Fact]
    public void Should_say_that_a_model_has_no_template()
    {
        using var folder = new TestFolder();
        Assert.Contains("has no chat template", Assert.Throws<UserErrorException>(() => Open(folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Should_know_the_tokenizers_own_tokens_where_no_file_names_them()
    {
        using var folder = new TestFolder();
        File.WriteAllText(folder.File("chat_template.jinja"), "{{ bos_token }}|{{ eos_token }}");
        Assert.Equal("<s>|</s>", Open(folder).Render([], false));
    }

    [Fact]
    public void Should_tell_the_date() => Assert.Equal(
        "05 Feb 2026, Thursday 5/2/26 07:08:09 036",
        Template.Parse("{{ strftime_now('%d %b %Y, %A %-d/%-m/%y %H:%M:%S %j') }}").Render(new Dictionary<string, object?>(), new DateTimeOffset(2026, 2, 5, 7, 8, 9, TimeSpan.Zero)));

    private static ChatTemplate Open(TestFolder folder) =>
        ChatTemplate.Open(new ModelFiles(folder.Path, folder.Path, null), TokenizerFolder.Open(Repository.Fixture("stories260k")));
}
