using Akka.Configuration;

using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

using SplitFrozen.Actors.Configuration;
using SplitFrozen.Cli.Tests.Support;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Sampling;
using SplitFrozen.Domain.Scheduling;
using SplitFrozen.Protocol;

namespace SplitFrozen.Cli.Tests.Configuration;

public sealed class SettingsReaderSpecs
{
    [Fact]
    public void Should_have_a_default_for_every_setting()
    {
        var settings = SettingsReader.Read(ConfigurationFactory.Empty);

        Assert.True(Directory.Exists(settings.Model.Path));
        Assert.True(Directory.Exists(settings.Data.Path));
        Assert.Null(settings.Model.Cut);
        Assert.Equal(new PartitionSpec(PartitionKind.Dirichlet, 4, 0.1, 20, 0, 0, 1), settings.Data.Partition);
        Assert.Equal(new TrainingSettings("splitfrozen", null, 5, 32, 16, 3e-3, 0.06, LearningRateDecay.Linear, 0.01, 1, 1, 1, 200, BestMeasure.Accuracy, null) { MixAlarm = 0.1, CheckpointKeep = 2 }, settings.Training);
        Assert.Equal(new StoreSettings(StoreMode.Memory, ActivationCodec.Fp32, 1L << 30, 32L << 30, null, null), settings.Store);
        Assert.Equal(new PipelineSettings(8, 3, 2048, 1, ScheduleKind.ZbH1, 0), settings.Pipeline);
        Assert.Equal(new EvaluationSettings(50, false, 256), settings.Evaluation);
        Assert.Equivalent(
            new AllocationSettings("proportional", 1, 0.15, TimeSpan.FromSeconds(10), 8, 0.8, new Dictionary<string, int>()) { Interval = TimeSpan.FromSeconds(5) }, settings.Allocation, strict: true);
        Assert.Equal((new ControlSettings("127.0.0.1", 0), new HealthSettings("127.0.0.1", null)), (settings.Control, settings.Health));
        Assert.Equal((8, 16.0, 0.0), (settings.Lora.Rank, settings.Lora.Alpha, settings.Lora.Dropout));
        Assert.Empty(settings.Lora.Targets);
        Assert.Empty(settings.Nodes);
        Assert.Empty(settings.Cluster.SeedNodes);
        Assert.Null(settings.Run.Path);
    }

    [Fact(DisplayName = "Limits of devices have the shipped defaults, and can be set")]
    public void Should_read_limits()
    {
        Assert.Equal(LimitSettings.Default, SettingsReader.Read(ConfigurationFactory.Empty).Security.Limits);
        Assert.Equal(
            new LimitSettings(50, 2, 20, 3),
            SettingsReader.Read(SettingsReader.Load(
                [],
                [
                    "splitfrozen.security.limits.messages-per-second=50", "splitfrozen.security.limits.devices-per-node=2",
                    "splitfrozen.security.limits.connections-per-minute=20", "splitfrozen.security.limits.damaged-frames=3",
                ])).Security.Limits);
    }

    [Theory]
    [InlineData("10m", 600)]
    [InlineData("0s", 0)]
    public void Should_read_how_long_a_device_looks_for_a_lost_server(string limit, int seconds)
    {
        Assert.Equal(TimeSpan.FromMinutes(10), SettingsReader.Read(ConfigurationFactory.Empty).Device.RejoinLimit);
        Assert.Equal(
            TimeSpan.FromSeconds(seconds), SettingsReader.Read(SettingsReader.Load([], [$"splitfrozen.device.rejoin-limit={limit}"])).Device.RejoinLimit);
    }

    [Theory]
    [InlineData("expanded", WeightHolding.Expanded)]
    [InlineData("as-stored", WeightHolding.AsStored)]
    public void Should_read_how_devices_hold_weights(string word, WeightHolding holding)
    {
        Assert.Equal(WeightHolding.Expanded, SettingsReader.Read(ConfigurationFactory.Empty).Device.Weights);
        Assert.Equal(holding, SettingsReader.Read(SettingsReader.Load([], [$"splitfrozen.device.weights={word}"])).Device.Weights);
    }

    [Theory]
    [InlineData("splitfrozen.cluster.host=10.0.0.5", false)]
    [InlineData("splitfrozen.channel.host=0.0.0.0", false)]
    [InlineData("splitfrozen.cluster.host=localhost", true)]
    [InlineData("splitfrozen.cluster.host=127.0.0.2", true)]
    public void Should_not_speak_in_the_open_beyond_this_machine(string host, bool isLocal)
    {
        Assert.False(SettingsReader.Read(ConfigurationFactory.Empty).Security.IsInsecureAllowed);
        if (isLocal)
        {
            Assert.NotNull(SettingsReader.Read(SettingsReader.Load([], [host])));
            return;
        }

        var refusal = Assert.Throws<UserErrorException>(() => SettingsReader.Read(SettingsReader.Load([], [host])));
        Assert.Contains(host.Split('=')[0], refusal.Message, StringComparison.Ordinal);
        Assert.Contains("splitfrozen.security.insecure", refusal.Message, StringComparison.Ordinal);
        Assert.True(SettingsReader.Read(SettingsReader.Load([], [host, "splitfrozen.security.insecure=on"])).Security.IsInsecureAllowed);
        Assert.True(SettingsReader.Read(SettingsReader.Load(
            [], [host, "splitfrozen.security.tls.enabled=on", "splitfrozen.security.tls.certificate=a", "splitfrozen.security.tls.key=b", "splitfrozen.security.tls.ca=c"])).Security.Tls.VerifyHost);
    }

    [Fact]
    public void Should_read_the_shipped_local_configuration()
    {
        var settings = Load("local.conf");

        Assert.Equal([8.0, 4.8, 2.8, 1.6], settings.Nodes.Select(n => n.GigaFlops!.Value));
        Assert.Equal(4, settings.Data.Partition.Devices);
    }

    [Fact]
    public void Should_read_store_order_and_links()
    {
        var settings = SettingsReader.Read(SettingsReader.Load([], [
            "splitfrozen.store.mode=disk", "splitfrozen.store.codec=int8", "splitfrozen.store.memory-limit=0", "splitfrozen.store.disk-limit=5GiB",
            "splitfrozen.store.path=kept", "splitfrozen.store.key-file=/k", "splitfrozen.training.order=buffer:64", "splitfrozen.training.mix-alarm=off",
            "splitfrozen.nodes=[{ name = a, link-megabits = 600, link-latency = 5ms, memory = 1GiB }]"]));

        Assert.Equal(new StoreSettings(StoreMode.Disk, ActivationCodec.Int8, 0, 5L << 30, Path.GetFullPath("kept"), "/k"), settings.Store);
        Assert.Equal(new SampleOrder(SampleOrderKind.Buffer, 64), settings.Training.Order);
        Assert.Null(settings.Training.MixAlarm);
        Assert.Equal(
            new NodeProfile("a", null) { LinkMegabits = 600, LinkLatency = TimeSpan.FromMilliseconds(5), MemoryBytes = 1L << 30 }, Assert.Single(settings.Nodes));
    }

    [Fact]
    public void Should_read_how_rates_change_and_when_layers_are_dealt_out_anew()
    {
        var settings = SettingsReader.Read(SettingsReader.Load([], [
            "splitfrozen.nodes=[{ name = a, gigaflops = 8, changes = [\"30s 2.7\", \"90.5s 8\"] }]", "splitfrozen.allocation.interval=off", "splitfrozen.allocation.wait-alarm=3s",
            "splitfrozen.control.port=off", "splitfrozen.health.port=8080"]));

        Assert.Equal([new ProfileChange(TimeSpan.FromSeconds(30), 2.7), new ProfileChange(TimeSpan.FromSeconds(90.5), 8)], settings.Nodes[0].Changes);
        Assert.Equal([8, 2.7, 8], new[] { 0.0, 30, 100 }.Select(s => settings.Nodes[0].GigaFlopsAfter(TimeSpan.FromSeconds(s))!.Value));
        Assert.Equal((null, TimeSpan.FromSeconds(3)), (settings.Allocation.Interval, settings.Allocation.WaitAlarm));
        Assert.Equal((null, 8080), (settings.Control.Port, settings.Health.Port));
    }

    [Fact]
    public void Should_read_the_compared_methods()
    {
        var defaults = SettingsReader.Read(ConfigurationFactory.Empty);
        Assert.Equal((FedLoraSettings.Default, SplitLoraSettings.Default), (defaults.FedLora, defaults.SplitLora));
        var settings = SettingsReader.Read(SettingsReader.Load([], [
            "splitfrozen.training.method=fedlora", "splitfrozen.fedlora.variant=fedex", "splitfrozen.fedlora.local-epochs=2", "splitfrozen.fedlora.local-steps=5",
            "splitfrozen.fedlora.rounds=7", "splitfrozen.fedlora.participation=0.5", "splitfrozen.fedlora.device-dropout=0.25", "splitfrozen.fedlora.keep-optimizer=on",
            "splitfrozen.fedlora.learning-rate=1e-3", "splitfrozen.splitlora.blocks=3", "splitfrozen.splitlora.average-every=4", "splitfrozen.splitlora.order=parallel",
            "splitfrozen.data.partition=quantity", "splitfrozen.data.partition-file=rows.json", "splitfrozen.run.tensorboard=off"]));

        Assert.Equal(new FedLoraSettings(FedLoraVariant.Exact, 2, 5, 7, 0.5, 0.25, true) { LearningRate = 1e-3 }, settings.FedLora);
        Assert.Equal(new SplitLoraSettings(3, 4, SplitLoraOrder.Parallel), settings.SplitLora);
        Assert.Equal((TrainingMethods.FedLora, PartitionKind.Quantity, Path.GetFullPath("rows.json"), false), (settings.Training.Method, settings.Data.Partition.Kind, settings.Data.PartitionFile, settings.Run.TensorBoard));
    }

    [Fact]
    public void Should_read_the_shipped_configuration_of_experiments() => Assert.Equal(10, Load("experiments.conf").Data.Partition.Devices);

    [Fact]
    public void Should_read_server_nodes()
    {
        var settings = SettingsReader.Read(SettingsReader.Load([], [
            "splitfrozen.pipeline.stages=3", "splitfrozen.server.port=4055", "splitfrozen.server.lost-after=90s", "splitfrozen.server.take-over=spare",
            "splitfrozen.server.profile.gigaflops=50", "splitfrozen.server.profile.link-megabits=1000", "splitfrozen.server.profile.link-latency=2ms",
            "splitfrozen.server.nodes=[{ name = second, gigaflops = 25, link-megabits = 100, link-latency = 20ms }]"]));

        Assert.Equal((4055, TimeSpan.FromSeconds(90), TakeOver.Spare, 2), (settings.Server.Port, settings.Server.LostAfter, settings.Server.TakeOver, settings.Start.Servers));
        Assert.Equal(new NodeProfile("server", 50) { LinkMegabits = 1000, LinkLatency = TimeSpan.FromMilliseconds(2) }, settings.Server.Profile);
        Assert.Equal(new NodeProfile("second", 25) { LinkMegabits = 100, LinkLatency = TimeSpan.FromMilliseconds(20) }, Assert.Single(settings.Server.Nodes));
    }

    [Fact]
    public void Should_read_what_is_done_about_stragglers()
    {
        var strict = SettingsReader.Read(SettingsReader.Load([], [])).Training;
        Assert.Equal((null, null), (strict.PutOffAfter, strict.Replay));

        Assert.Equal(TimeSpan.FromMilliseconds(250), SettingsReader.Read(SettingsReader.Load([], ["splitfrozen.training.put-off-after=250ms"])).Training.PutOffAfter);
        Assert.Equal(Path.GetFullPath("runs/a"), SettingsReader.Read(SettingsReader.Load([], ["splitfrozen.training.replay=runs/a"])).Training.Replay);
    }

    [Fact]
    public void Should_let_shipped_device_nodes_find_the_shipped_server()
    {
        var server = Load("server.conf");
        var device = Load("device.conf");

        Assert.Equal([$"{server.Cluster.Host}:{server.Cluster.Port}"], device.Cluster.SeedNodes);
        Assert.Equal(server.Cluster.Name, device.Cluster.Name);
    }

    [Fact]
    public void Should_let_the_shipped_standby_find_the_shipped_server()
    {
        var (server, standby) = (Load("server.conf"), Load("standby.conf"));

        Assert.Equal([$"{server.Cluster.Host}:{server.Cluster.Port}"], standby.Cluster.SeedNodes);
        Assert.False(server.Cluster.Standby);
        Assert.True(standby.Cluster.Standby);
        Assert.Equal(4, new[] { server.Cluster.Port, server.Channel.Port, standby.Cluster.Port, standby.Channel.Port }.Distinct().Count());
        Assert.Equal(TimeSpan.FromSeconds(10), standby.Server.Lease);
    }

    [Fact]
    public void Should_let_later_settings_win_over_earlier_ones_and_over_files()
    {
        using var folder = new TemporaryFolder();
        var file = folder.File("a.conf", "splitfrozen { training { seed = 5, epochs = 9 } }");

        var settings = SettingsReader.Read(SettingsReader.Load([file], ["splitfrozen.training.seed=6", "splitfrozen.training.seed=7"]));

        Assert.Equal((7L, 9), (settings.Training.Seed, settings.Training.Epochs));
    }

    [Fact]
    public void Should_let_an_empty_list_replace_a_full_one()
    {
        var settings = Load("local.conf", "splitfrozen.nodes=[]");

        Assert.Empty(settings.Nodes);
    }

    [Fact]
    public void Should_take_layers_by_device_id()
    {
        var settings = Load("local.conf", "splitfrozen.allocation.policy=manual", "splitfrozen.allocation.manual={ phone-3 = 4, \"board.7\" = 1 }");

        Assert.Equal(
            [("board.7", 1), ("phone-3", 4)],
            settings.Allocation.Manual.Select(m => (m.Key, m.Value)).OrderBy(m => m.Key, StringComparer.Ordinal));
    }

    [Fact]
    public void Should_pass_on_akkas_own_settings()
    {
        var hocon = SettingsReader.Load([], ["akka.loglevel=DEBUG"]);

        Assert.Equal("DEBUG", hocon.GetString("akka.loglevel"));
        Assert.Contains("loglevel = DEBUG", SettingsReader.Render(hocon), StringComparison.Ordinal);
    }

    [Fact]
    public void Should_make_paths_absolute_from_the_current_directory()
    {
        var settings = SettingsReader.Read(SettingsReader.Load([], ["splitfrozen.data.path=some/data", "splitfrozen.run.path=out"]));

        Assert.Equal(Path.GetFullPath("some/data"), settings.Data.Path);
        Assert.Equal(Path.GetFullPath("out"), settings.Run.Path);
    }

    [Property]
    public Property Should_take_a_column_name_as_it_stands_and_render_it_back() => Prop.ForAll(
        ArbMap.Default.ArbFor<NonWhiteSpaceString>().Filter(s => IsLiteral(s.Get.Trim())),
        name =>
        {
            var hocon = SettingsReader.Load([], [$"splitfrozen.data.columns.text={name.Get}"]);
            var again = SettingsReader.Read(ConfigurationFactory.ParseString(SettingsReader.Render(hocon)));

            Assert.Equal(name.Get.Trim(), SettingsReader.Read(hocon).Data.Columns.Text);
            Assert.Equal(name.Get.Trim(), again.Data.Columns.Text);
        });

    [Theory]
    [InlineData("7,")]
    [InlineData("1,000")]
    [InlineData("a, b")]
    public void Should_render_a_column_name_with_commas_back(string name)
    {
        var hocon = SettingsReader.Load([], [$"splitfrozen.data.columns.text={name}"]);

        Assert.Equal(name, SettingsReader.Read(ConfigurationFactory.ParseString(SettingsReader.Render(hocon))).Data.Columns.Text);
    }

    [Fact]
    public void Should_render_what_reads_back_to_the_same_settings()
    {
        var hocon = SettingsReader.Load(
            [BundledAssets.Configuration("local.conf")],
            ["splitfrozen.lora.targets=[c_attn, c_proj]", "splitfrozen.cluster.seed-nodes=[\"10.0.0.1:4053\"]", "splitfrozen.data.columns.label=\"#1 \\\"x\\\"\""]);

        var rendered = SettingsReader.Render(hocon);
        var again = ConfigurationFactory.ParseString(rendered);

        Assert.Equal(rendered, SettingsReader.Render(again));
        Assert.Equivalent(SettingsReader.Read(hocon), SettingsReader.Read(again), strict: true);
    }

    /// <summary>Text that an override takes literally: no HOCON of its own, no word with a meaning, and nothing that a line cannot hold.</summary>
    private static bool IsLiteral(string text) =>
        text.Length > 0 && !"[{\"".Contains(text[0], StringComparison.Ordinal) && !text.Contains("${", StringComparison.Ordinal) && text != "auto"
        && !text.Any(char.IsControl);

    private static Settings Load(string shipped, params string[] overrides) =>
        SettingsReader.Read(SettingsReader.Load([BundledAssets.Configuration(shipped)], overrides));
}
