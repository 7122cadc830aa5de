using SplitFrozen.Actors.Configuration;
using SplitFrozen.Cli.Tests.Support;
using SplitFrozen.Domain;

namespace SplitFrozen.Cli.Tests.Configuration;

/// <summary>Settings that are refused, and what the refusal names.</summary>
public sealed class SettingsRefusalSpecs
{
    [Theory]
    [InlineData("splitfrozen.nodes=[{ name = a, changes = [\"30s\"] }]", "\"30s 2.7\"")]
    [InlineData("splitfrozen.nodes=[{ name = a, changes = [\"30s 2\", \"10s 8\"] }]", "in the order of their times")]
    [InlineData("splitfrozen.allocation.interval=1ms", "from 10ms")]
    [InlineData("splitfrozen.control.host=0.0.0.0", "without TLS")]
    [InlineData("splitfrozen.health.port=70000", "off or a whole number")]
    [InlineData("splitfrozen.fedlora.variant=fed", "fedit, ffa, fedex")]
    [InlineData("splitfrozen.fedlora.participation=0", "above 0 and up to 1")]
    [InlineData("splitfrozen.fedlora.device-dropout=1", "from 0 up to, not including, 1")]
    [InlineData("splitfrozen.splitlora.order=random", "sequential, parallel")]
    [InlineData("splitfrozen.splitlora.blocks=0", "auto or a whole number from 1")]
    [InlineData("splitfrozen.data.partition=fair", "iid, dirichlet, pathological, quantity, balanced")]
    [InlineData("splitfrozen.store.mode=everywhere", "off, memory, disk")]
    [InlineData("splitfrozen.store.key-file=/k", "splitfrozen.store.mode = memory writes none")]
    [InlineData("splitfrozen.store.memory-limit=much", "512KiB")]
    [InlineData("splitfrozen.training.order=buffer:0", "buffer:K")]
    [InlineData("splitfrozen.training.mix-alarm=2", "off or a number from 0 to 1")]
    [InlineData("splitfrozen.training.put-off-after=soon", "a time such as 500ms, 30s or 5m, from 0ms to 24h")]
    [InlineData("splitfrozen.training={ put-off-after = 1s, replay = a }", "set put-off-after = off, or replay = none")]
    [InlineData("splitfrozen.training={ put-off-after = 1s, method = cenlora }", "splitfrozen.training.put-off-after is for splitfrozen.training.method = splitfrozen")]
    [InlineData("splitfrozen.training={ replay = a, method = fedlora }", "splitfrozen.training.replay is for splitfrozen.training.method = splitfrozen")]
    [InlineData("splitfrozen.nodes=[{ name = a, link-megabits = 0 }]", "above 0")]
    public void Should_refuse_wrong_store_order_and_links(string setting, string allowed)
    {
        var error = Assert.Throws<UserErrorException>(() => SettingsReader.Read(SettingsReader.Load([], [setting])));
        Assert.Contains(allowed, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("splitfrozen.training.sed=3", "splitfrozen.training.seed")]
    [InlineData("splitfrozen.trainng.epochs=3", "splitfrozen.training.epochs")]
    [InlineData("training.epochs=3", "splitfrozen.training.epochs")]
    [InlineData("seed=3", "splitfrozen.training.seed")]
    [InlineData("splitfrozen.model.pth=x", "splitfrozen.model.path")]
    public void Should_refuse_an_unknown_key_and_name_the_nearest(string setting, string nearest)
    {
        var message = Refusal([setting]);

        Assert.Contains(setting[..setting.IndexOf('=')], message, StringComparison.Ordinal);
        Assert.Contains($"Did you mean {nearest}?", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Should_say_that_keys_start_with_the_programs_name()
    {
        Assert.Contains("all keys start with \"splitfrozen.\"", Refusal(["training.epochs=3"]), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("splitfrozen.training.epochs", "0", "1 to 100000")]
    [InlineData("splitfrozen.training.epochs", "many", "whole number")]
    [InlineData("splitfrozen.training.checkpoint-keep", "0", "1 to 1000")]
    [InlineData("splitfrozen.device.rejoin-limit", "soon", "splitfrozen.device.rejoin-limit")]
    [InlineData("splitfrozen.training.warmup", "1.5", "from 0 to 1")]
    [InlineData("splitfrozen.training.learning-rate", "NaN", "above 0")]
    [InlineData("splitfrozen.training.decay", "exponential", "linear, cosine, constant")]
    [InlineData("splitfrozen.training.method", "magic", "splitfrozen, cenlora")]
    [InlineData("splitfrozen.data.validation", "0.7", "up to 0.5")]
    [InlineData("splitfrozen.data.partition", "random", "iid, dirichlet, pathological")]
    [InlineData("splitfrozen.data.alpha", "0", "above 0")]
    [InlineData("splitfrozen.model.cut", "0", "auto or a whole number")]
    [InlineData("splitfrozen.model.compute", "gpu", "cpu or cuda:N")]
    [InlineData("splitfrozen.model.path", "bundled:huge", "bundled:tiny-gpt2")]
    [InlineData("splitfrozen.lora.dropout", "1", "not including, 1")]
    [InlineData("splitfrozen.lora.targets", "c_attn", "list in square brackets")]
    [InlineData("splitfrozen.training.best", "f1", "none, accuracy, loss")]
    [InlineData("splitfrozen.training.patience", "0", "off or a whole number")]
    [InlineData("splitfrozen.pipeline.stages", "0", "1 to 1000")]
    [InlineData("splitfrozen.pipeline.schedule", "zb-h2", "sequential, gpipe, 1f1b, zb-h1")]
    [InlineData("splitfrozen.pipeline.pending-w", "-1", "whole number from 0")]
    [InlineData("splitfrozen.channel.port", "70000", "0 to 65535")]
    [InlineData("splitfrozen.channel.max-frame-bytes", "64 bananas", "64MiB")]
    [InlineData("splitfrozen.channel.codec", "fp16", "fp32, bf16, int8, int4")]
    [InlineData("splitfrozen.server.memory-limit", "much", "auto or a size")]
    [InlineData("splitfrozen.security.tls.enabled", "maybe", "on, off")]
    [InlineData("splitfrozen.cluster.seed-nodes", "[here]", "host:port")]
    [InlineData("splitfrozen.start.limit", "soon", "30s")]
    [InlineData("splitfrozen.start.limit", "0s", "from 1s to 24h")]
    [InlineData("splitfrozen.server.lease", "0s", "from 1s to 60s")]
    [InlineData("splitfrozen.cluster.standby", "perhaps", "on, off")]
    [InlineData("splitfrozen.device.id", "my phone", "letters, digits")]
    [InlineData("splitfrozen.device.weights", "packed", "expanded, as-stored")]
    [InlineData("splitfrozen.nodes", "[{ name = a, gigaflops = 0 }]", "unlimited or a number above 0")]
    [InlineData("splitfrozen.nodes", "[{ nme = a }]", "name, gigaflops")]
    [InlineData("splitfrozen.evaluation.exact-match-limit", "-1", "0 to 2147483647")]
    [InlineData("splitfrozen.evaluation.exact-match-after-training", "maybe", "one of on, off")]
    [InlineData("splitfrozen.evaluation.max-new-tokens", "0", "1 to 1000000")]
    [InlineData("splitfrozen.allocation.policy", "fair", "static, proportional, balanced, manual")]
    [InlineData("splitfrozen.allocation.hysteresis", "1", "not including, 1")]
    [InlineData("splitfrozen.allocation.max-changes", "0", "1 to 100000")]
    [InlineData("splitfrozen.allocation.manual", "4", "section with names of your own")]
    [InlineData("splitfrozen.allocation.manual.phone-3", "none", "whole number from 1")]
    [InlineData("splitfrozen.security.limits.messages-per-second", "9", "10 to 100000")]
    [InlineData("splitfrozen.security.limits.devices-per-node", "0", "1 to 100000")]
    [InlineData("splitfrozen.security.limits.connections-per-minute", "9", "10 to 100000")]
    [InlineData("splitfrozen.security.limits.damaged-frames", "0", "1 to 100000")]
    public void Should_refuse_a_value_and_name_key_value_and_what_is_allowed(string key, string value, string allowed)
    {
        var message = Refusal([$"{key}={value}"]);

        Assert.Contains(key, message, StringComparison.Ordinal);
        Assert.Contains(allowed, message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("micro-batch-size", "splitfrozen.training.micro-batch-size=64")]
    [InlineData("lora-from", "splitfrozen.training.lora-from=4")]
    [InlineData("min-devices", "splitfrozen.start.min-devices=5")]
    [InlineData("parts 0 to 3", "splitfrozen.device.id=a", "splitfrozen.device.partition=4")]
    [InlineData("needs splitfrozen.device.id", "splitfrozen.device.partition=1")]
    [InlineData("does not part W from B", "splitfrozen.pipeline.pending-w=1", "splitfrozen.pipeline.schedule=1f1b")]
    [InlineData("needs validations", "splitfrozen.training.patience=3", "splitfrozen.training.best=none")]
    [InlineData("needs validations", "splitfrozen.training.patience=3", "splitfrozen.data.validation=none")]
    [InlineData("needs three PEM files", "splitfrozen.security.tls.enabled=on")]
    [InlineData("names a 2 times", "splitfrozen.nodes=[{ name = a }, { name = a }]")]
    [InlineData("splitfrozen.server.nodes names a 2 times", "splitfrozen.pipeline.stages=3", "splitfrozen.server.nodes=[{ name = a }, { name = a }]")]
    [InlineData("more than splitfrozen.pipeline.stages = 1", "splitfrozen.server.nodes=[{ name = a }]")]
    [InlineData("more than splitfrozen.pipeline.stages = 2", "splitfrozen.start.servers=3", "splitfrozen.pipeline.stages=2")]
    [InlineData("no trainer stages to spread", "splitfrozen.start.servers=2", "splitfrozen.pipeline.stages=2", "splitfrozen.training.method=cenlora")]
    [InlineData("any, spare", "splitfrozen.server.take-over=never")]
    public void Should_refuse_settings_that_do_not_go_together(string named, params string[] settings)
    {
        Assert.Contains(named, Refusal(settings), StringComparison.Ordinal);
    }

    public static TheoryData<string> AllKeys() => [.. Leaves(SettingsReader.Defaults.Root, "")];

    [Theory]
    [MemberData(nameof(AllKeys))]
    public void Should_read_every_key_that_is_explained(string key)
    {
        Assert.Contains(key, Refusal([$"{key}=\"\""]), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("splitfrozen { training { seed = 3 }", "line 1: the '{' is never closed")]
    [InlineData("splitfrozen { training { seed = 3 } } }", "line 1: the '}' closes nothing")]
    [InlineData("splitfrozen {\n  model.path = \"abc\n}", "line 2: the double quote is never closed")]
    [InlineData("splitfrozen { },\nakka { }", "no comma may stand between sections")]
    [InlineData("splitfrozen.model.path = C:thing", "need double quotes")]
    [InlineData("splitfrozen { data.columns.text = #1 String\n}", "splitfrozen.data.columns.text")]
    public void Should_refuse_a_malformed_file_and_say_where(string text, string complaint)
    {
        using var folder = new TemporaryFolder();
        var file = folder.File("bad.conf", text);

        var error = Assert.Throws<UserErrorException>(() => SettingsReader.Read(SettingsReader.Load([file], [])));

        Assert.Contains(complaint, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Should_name_a_file_that_does_not_exist()
    {
        var error = Assert.Throws<UserErrorException>(() => SettingsReader.Load(["nowhere.conf"], []));

        Assert.Contains("nowhere.conf", error.Message, StringComparison.Ordinal);
    }

    private static string Refusal(string[] settings) =>
        Assert.Throws<UserErrorException>(() => SettingsReader.Read(SettingsReader.Load([], settings))).Message;

    private static IEnumerable<string> Leaves(Akka.Configuration.Hocon.HoconValue value, string path) =>
        value.IsObject()
            ? value.GetObject().Items.SelectMany(i => Leaves(i.Value, path.Length == 0 ? i.Key : $"{path}.{i.Key}"))
            : [path];
}
