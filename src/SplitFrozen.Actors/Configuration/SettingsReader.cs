using System.Globalization;
using System.Text.RegularExpressions;

using Akka.Configuration;

using SplitFrozen.Actors.Allocation;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Allocation;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Sampling;
using SplitFrozen.Domain.Scheduling;
using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Configuration;

/// <summary>
/// Turns HOCON into <see cref="Settings"/>, the one place where keys below <c>splitfrozen.</c> are read. What is unknown, of the wrong type or out of
/// range is a <see cref="UserErrorException"/> that names key, value and what is allowed.
/// </summary>
public static partial class SettingsReader
{
    private const string Root = "splitfrozen";
    private const string Auto = "auto";
    private const string AsStored = "as-stored";
    private const int Many = 100_000;
    private static readonly TimeSpan Day = TimeSpan.FromHours(24);

    private static readonly Lazy<Config> LazyDefaults = new(ReadDefaults);
    private static readonly Lazy<KnownKeys> Known = new(() => new KnownKeys(Defaults));

    /// <summary>The shipped splitfrozen.conf: every key with its default.</summary>
    public static Config Defaults => LazyDefaults.Value;

    /// <summary>Reads configuration files and overrides, over the defaults.</summary>
    /// <param name="files">Files; a later one overrides an earlier one. Relative paths start at the current directory, then at the program's.</param>
    /// <param name="overrides">Settings as <c>key=value</c> that override the files; a later one overrides an earlier one.</param>
    public static Config Load(IEnumerable<string> files, IEnumerable<string> overrides)
    {
        var merged = Defaults;
        foreach (var file in files.Select(BundledAssets.Resolve))
        {
            var config = HoconSource.File(file);
            Known.Value.Check(config, file);
            merged = config.WithFallback(merged);
        }

        foreach (var setting in overrides)
        {
            var config = HoconSource.Override(setting);
            Known.Value.Check(config, $"the setting {setting}");
            merged = config.WithFallback(merged);
        }

        return merged;
    }

    /// <summary>Reads all settings; keys that are absent have the values of <see cref="Defaults"/>.</summary>
    public static Settings Read(Config hocon)
    {
        Known.Value.Check(hocon, "the configuration");
        var keys = new KeyReader(HoconTree.Find(Complete(hocon), Root)!, Root);
        var training = Training(keys.Section("training"));
        var settings = new Settings(
            Model(keys.Section("model")), Data(keys.Section("data"), training.Seed), Lora(keys.Section("lora")), training,
            Pipeline(keys.Section("pipeline")), Channel(keys.Section("channel")), Cluster(keys.Section("cluster")),
            Start(keys.Section("start"), keys.Section("server")), Device(keys.Section("device")), Run(keys.Section("run")), Nodes(keys),
            Allocation(keys.Section("allocation")), Server(keys.Section("server")), Security(keys.Section("security")), Store(keys.Section("store")))
        {
            Evaluation = Evaluation(keys.Section("evaluation")),
            Control = new ControlSettings(keys.Section("control").Text("host"), keys.Section("control").IntegerOr("off", "port", 0, 65535)),
            Health = new HealthSettings(keys.Section("health").Text("host"), keys.Section("health").IntegerOr("off", "port", 0, 65535)),
            FedLora = FedLora(keys.Section("fedlora")),
            SplitLora = SplitLora(keys.Section("splitlora")),
        };
        SettingsRules.Check(settings);
        return settings;
    }

    /// <summary>
    /// Renders a configuration as HOCON from which the same settings are read, wherever it is read: paths are absolute, and all of splitfrozen's
    /// keys are there. Akka's section holds what the user set.
    /// </summary>
    public static string Render(Config hocon)
    {
        var settings = Read(hocon);
        var absolute = new[]
        {
            AbsolutePath(hocon, settings.Model.Path, "model", "path"), AbsolutePath(hocon, settings.Data.Path, "data", "path"),
            AbsolutePath(hocon, settings.Data.PartitionFile, "data", "partition-file"), AbsolutePath(hocon, settings.Training.Replay, "training", "replay"), AbsolutePath(hocon, settings.Run.Path, "run", "path"), AbsolutePath(hocon, settings.Run.Root, "run", "root"),
            AbsolutePath(hocon, settings.Security.Tls.Certificate, "security", "tls", "certificate"),
            AbsolutePath(hocon, settings.Security.Tls.Key, "security", "tls", "key"), AbsolutePath(hocon, settings.Security.Tls.Authority, "security", "tls", "ca"),
            AbsolutePath(hocon, settings.Store.Path, "store", "path"), AbsolutePath(hocon, settings.Store.KeyFile, "store", "key-file"),
        };
        var resolved = absolute.OfType<string>().Select(HoconSource.Override)
            .Aggregate(Complete(hocon), (all, path) => path.WithFallback(all));
        var akka = HoconTree.Find(hocon, "akka") is { } section ? HoconWriter.Section("akka", section) : "";
        return HoconWriter.Section(Root, HoconTree.Find(resolved, Root)!) + akka;
    }

    private static Config Complete(Config hocon) => ReferenceEquals(hocon, Defaults) ? hocon : hocon.WithFallback(Defaults);

    private static string? AbsolutePath(Config hocon, string? path, params string[] key) =>
        path is null || BundledAssets.IsBundled(HoconTree.Find(Complete(hocon), [Root, .. key])!.GetString())
            ? null : $"{Root}.{string.Join('.', key)}={HoconWriter.Quote(path)}";

    private static ModelSettings Model(KeyReader keys)
    {
        var compute = keys.Text("compute");
        return ComputeForm().IsMatch(compute)
            ? new ModelSettings(BundledAssets.Folder(keys.Key("path"), keys.Text("path"), "models"), keys.IntegerOr(Auto, "cut", 1, Many), compute)
            : throw keys.Wrong("compute", compute, "it must be cpu or cuda:N");
    }

    private static DataSettings Data(KeyReader keys, long seed)
    {
        var validation = Validation(keys);
        var partition = new PartitionSpec(
            keys.Choice<PartitionKind>("partition"), keys.Integer("devices", 1, Many), keys.Number("alpha", "above 0", a => a > 0),
            keys.Integer("labels-per-device", 1, Many), validation ?? 0, keys.Integer("limit", 0, int.MaxValue), seed);
        var columns = keys.Section("columns");
        return new DataSettings(
            BundledAssets.Folder(keys.Key("path"), keys.Text("path"), "data"), partition, validation,
            keys.Integer("max-length", 1, 1_000_000), keys.Integer("evaluation-limit", 0, int.MaxValue),
            new ColumnSettings(
                columns.TextOr(Auto, "text"), columns.TextOr(Auto, "second-text"), columns.TextOr(Auto, "label"),
                columns.TextOr(Auto, "question"), columns.TextOr(Auto, "answer")))
        {
            PartitionFile = keys.TextOr("none", "partition-file") is { } file ? Path.GetFullPath(file) : null,
        };
    }

    private static double? Validation(KeyReader keys) =>
        keys.Text("validation") == "none" ? 0
            : keys.NumberOr(Auto, "validation", "above 0 and up to 0.5, or none", v => v is > 0 and <= 0.5);

    private static LoraSpec Lora(KeyReader keys) => new(
        keys.Integer("rank", 1, 4096), keys.Number("alpha", "above 0", a => a > 0),
        keys.Number("dropout", "from 0 up to, not including, 1", d => d is >= 0 and < 1), Targets(keys));

    private static IReadOnlyList<string> Targets(KeyReader keys)
    {
        if (keys.IsWord("targets", Auto))
        {
            return [];
        }

        var targets = keys.Texts("targets", "names of linear modules, or auto");
        return targets.Count > 0 ? targets : throw keys.Wrong("targets", "[]", "it must be auto or a list of at least one module such as [q_proj, v_proj]");
    }

    private static TrainingSettings Training(KeyReader keys) => new(
        keys.Word("method", TrainingMethods.All), keys.IntegerOr(Auto, "lora-from", 0, Many), keys.Integer("epochs", 1, Many),
        keys.Integer("batch-size", 1, 1_000_000), keys.Integer("micro-batch-size", 1, 1_000_000),
        keys.Number("learning-rate", "above 0 and up to 10", r => r is > 0 and <= 10), keys.Number("warmup", "from 0 to 1", w => w is >= 0 and <= 1),
        keys.Choice<LearningRateDecay>("decay"), keys.Number("weight-decay", "from 0 to 10", w => w is >= 0 and <= 10),
        keys.Number("clip-norm", "of at least 0", c => c >= 0), keys.Long("seed", 0, long.MaxValue), keys.Integer("threads", 1, 4096),
        keys.Integer("checkpoint-steps", 1, int.MaxValue), keys.Choice<BestMeasure>("best"), keys.IntegerOr("off", "patience", 1, Many))
    {
        CheckpointKeep = keys.Integer("checkpoint-keep", 1, 1000),
        Order = SampleOrder.Parse(keys.Text("order"))
            ?? throw keys.Wrong("order", keys.Text("order"), "it must be plan, none or \"buffer:K\" with a whole number K of samples from 1 on"),
        PutOffAfter = keys.IsWord("put-off-after", "off") ? null : keys.Duration("put-off-after", TimeSpan.Zero, Day),
        Replay = keys.TextOr("none", "replay") is { } run ? Path.GetFullPath(run) : null,
        MixAlarm = keys.NumberOr("off", "mix-alarm", "from 0 to 1", a => a is >= 0 and <= 1),
    };

    private static PipelineSettings Pipeline(KeyReader keys) => new(
        keys.Integer("grant-batches", 1, Many), keys.Integer("window", 1, 1000), keys.Integer("unit-tokens", 1, 1 << 24),
        keys.Integer("stages", 1, 1000), ScheduleKinds.Find(keys.Word("schedule", ScheduleKinds.Names))!.Value, keys.Integer("pending-w", 0, Many));

    private static ChannelSettings Channel(KeyReader keys) => new(
        keys.Text("host"), keys.Integer("port", 0, 65535), keys.Integer("credits", 1, 1000), keys.Bytes("max-frame-bytes", 1024),
        keys.Choice<ActivationCodec>("codec"));

    private static ServerSettings Server(KeyReader keys)
    {
        var profile = keys.Section("profile");
        return new ServerSettings(keys.BytesOr(Auto, "memory-limit", 1 << 20))
        {
            Profile = Profile(profile, profile.TextOr(Auto, "name") ?? "server"),
            Port = keys.Integer("port", 0, 65535),
            Nodes = ServerNodes(keys),
            LostAfter = keys.Duration("lost-after", TimeSpan.FromSeconds(1), Day),
            TakeOver = keys.Choice<TakeOver>("take-over"),
            Lease = keys.Duration("lease", TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1)),
        };
    }

    private static IReadOnlyList<NodeProfile> ServerNodes(KeyReader keys) =>
        [.. keys.Sections("nodes", "a section such as { name = second, gigaflops = 50 }", "name", "gigaflops", "link-megabits", "link-latency")
            .Select(node => Profile(node, node.Text("name")))];

    private static SecuritySettings Security(KeyReader keys)
    {
        var tls = keys.Section("tls");
        return new SecuritySettings(
            new TlsSettings(
                tls.Word("enabled", "on", "off") == "on", PemFile(tls, "certificate"), PemFile(tls, "key"), PemFile(tls, "ca"),
                tls.Word("verify-host", "on", "off") == "on"),
            keys.Word("insecure", "on", "off") == "on")
        {
            Limits = Limits(keys.Section("limits")),
        };
    }

    private static LimitSettings Limits(KeyReader keys) => new(
        keys.Integer("messages-per-second", 10, Many), keys.Integer("devices-per-node", 1, Many), keys.Integer("connections-per-minute", 10, Many),
        keys.Integer("damaged-frames", 1, Many));

    private static string? PemFile(KeyReader keys, string name) => keys.TextOr("none", name) is { } path ? Path.GetFullPath(path) : null;

    private static StoreSettings Store(KeyReader keys) => new(
        keys.Choice<StoreMode>("mode"), keys.Choice<ActivationCodec>("codec"), keys.LongBytes("memory-limit", 0), keys.LongBytes("disk-limit", 0),
        keys.TextOr(Auto, "path") is { } path ? Path.GetFullPath(path) : null, keys.TextOr("none", "key-file") is { } key ? Path.GetFullPath(key) : null);

    private static ClusterSettings Cluster(KeyReader keys)
    {
        var name = keys.Text("name");
        if (!SystemName().IsMatch(name))
        {
            throw keys.Wrong("name", name, "it must be letters, digits and dashes, beginning with a letter");
        }

        var seeds = keys.Texts("seed-nodes", "\"host:port\"");
        return seeds.FirstOrDefault(s => !HostAndPort().IsMatch(s)) is { } bad
            ? throw keys.Wrong("seed-nodes", bad, "each must be a \"host:port\" such as \"192.168.1.5:4053\"")
            : new ClusterSettings(name, keys.Text("host"), keys.Integer("port", 0, 65535), seeds) { Standby = keys.Word("standby", "on", "off") == "on" };
    }

    private static EvaluationSettings Evaluation(KeyReader keys) => new(
        keys.Integer("exact-match-limit", 0, int.MaxValue), keys.Word("exact-match-after-training", "on", "off") == "on",
        keys.Integer("max-new-tokens", 1, 1_000_000));

    private static StartSettings Start(KeyReader keys, KeyReader server) => new(
        keys.IntegerOr("all", "min-devices", 1, Many), keys.Duration("limit", TimeSpan.FromSeconds(1), Day))
    {
        Servers = keys.IntegerOr(Auto, "servers", 1, 1000) ?? 1 + ServerNodes(server).Count,
    };

    private static DeviceSettings Device(KeyReader keys)
    {
        var id = keys.TextOr(Auto, "id");
        if (id is not null && !new DeviceId(id).IsValid)
        {
            throw keys.Wrong("id", id, "it must be 1 to 64 letters, digits, '.', '_' or '-', beginning with a letter or digit");
        }

        var profile = keys.Section("profile");
        return new DeviceSettings(
            id, keys.IntegerOr("none", "partition", 0, Many), keys.Duration("heartbeat-interval", TimeSpan.FromMilliseconds(10), TimeSpan.FromHours(1)),
            keys.Duration("lost-after", TimeSpan.FromSeconds(1), Day),
            keys.Word("weights", "expanded", AsStored) == AsStored ? WeightHolding.AsStored : WeightHolding.Expanded,
            Profile(profile, profile.TextOr(Auto, "name") ?? id ?? Environment.MachineName))
        {
            RejoinLimit = keys.Duration("rejoin-limit", TimeSpan.Zero, Day),
        };
    }

    private static RunSettings Run(KeyReader keys) =>
        new(keys.TextOr(Auto, "path") is { } path ? Path.GetFullPath(path) : null, Path.GetFullPath(keys.Text("root")))
        {
            Trace = keys.Word("trace", "on", "off") == "on",
            TensorBoard = keys.Word("tensorboard", "on", "off") == "on",
        };

    private static IReadOnlyList<NodeProfile> Nodes(KeyReader keys) =>
        [.. keys.Sections("nodes", "a section such as { name = phone, gigaflops = 4 }", "name", "gigaflops", "link-megabits", "link-latency", "memory", "changes")
            .Select(node => Profile(node, node.Text("name")))];

    private static NodeProfile Profile(KeyReader keys, string name) => new(name, keys.Has("gigaflops") ? GigaFlops(keys) : null)
    {
        LinkMegabits = keys.Has("link-megabits") ? keys.NumberOr("unlimited", "link-megabits", "above 0", m => m > 0) : null,
        LinkLatency = keys.Has("link-latency") ? keys.Duration("link-latency", TimeSpan.Zero, TimeSpan.FromMinutes(1)) : TimeSpan.Zero,
        MemoryBytes = keys.Has("memory") ? keys.BytesOr("unlimited", "memory", 1 << 20) : null,
        Changes = keys.Has("changes") ? Changes(keys) : [],
    };

    private static IReadOnlyList<ProfileChange> Changes(KeyReader keys)
    {
        var texts = keys.Texts("changes", "\"30s 2.7\", a time and a rate in gigaflops");
        var changes = texts.Select(text => Change().Match(text) is { Success: true } match
            && double.Parse(match.Groups[2].Value, CultureInfo.InvariantCulture) is > 0 and var rate
                ? new ProfileChange(TimeSpan.FromSeconds(double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture)), rate)
                : throw keys.Wrong("changes", text, "each must be a time in seconds and a rate in gigaflops above 0, such as \"30s 2.7\"")).ToList();
        return changes.OrderBy(c => c.After).SequenceEqual(changes) ? changes
            : throw keys.Wrong("changes", string.Join(", ", texts), "they must stand in the order of their times");
    }

    private static AllocationSettings Allocation(KeyReader keys) => new(
        Policy(keys), keys.Integer("min", 1, Many), keys.Number("hysteresis", "from 0 up to, not including, 1", h => h is >= 0 and < 1),
        keys.Duration("cool-down", TimeSpan.Zero, Day), keys.Integer("max-changes", 1, Many),
        keys.Number("smoothing", "from 0 up to, not including, 1", s => s is >= 0 and < 1),
        keys.Integers("manual", "layers by device id, such as { phone-3 = 4 }", 1, Many))
    {
        Interval = keys.IsWord("interval", "off") ? null : keys.Duration("interval", TimeSpan.FromMilliseconds(10), Day),
        WaitAlarm = keys.Duration("wait-alarm", TimeSpan.FromMilliseconds(100), Day),
    };

    /// <summary>A built-in policy, or what may be a type's name; whether there is such a type is seen when the policy is made.</summary>
    private static string Policy(KeyReader keys) =>
        keys.Text("policy") is var policy && (BuiltInPolicies.Names.Contains(policy) || PolicyLoader.IsTypeName(policy)) ? policy
            : throw keys.Wrong("policy", policy, $"it must be one of {string.Join(", ", BuiltInPolicies.Names)}, or \"Namespace.Class, Assembly\"");

    private static double? GigaFlops(KeyReader keys) => keys.NumberOr("unlimited", "gigaflops", "above 0", g => g > 0);

    private static Config ReadDefaults()
    {
        using var stream = typeof(SettingsReader).Assembly.GetManifestResourceStream("SplitFrozen.Actors.splitfrozen.conf")
            ?? throw new InvalidOperationException("The assembly lacks its embedded splitfrozen.conf.");
        using var reader = new StreamReader(stream);
        return HoconSource.Parse(reader.ReadToEnd(), "splitfrozen.conf");
    }

    [GeneratedRegex(@"^(\d{1,6}(?:\.\d{1,6})?)s +(\d{1,9}(?:\.\d{1,9})?)$", RegexOptions.CultureInvariant)]
    private static partial Regex Change();

    [GeneratedRegex("^(cpu|cuda:[0-9]{1,3})$", RegexOptions.CultureInvariant)]
    private static partial Regex ComputeForm();

    [GeneratedRegex("^[A-Za-z][A-Za-z0-9-]{0,63}$", RegexOptions.CultureInvariant)]
    private static partial Regex SystemName();

    [GeneratedRegex(@"^[^\s/@]+:[0-9]{1,5}$", RegexOptions.CultureInvariant)]
    private static partial Regex HostAndPort();
}
