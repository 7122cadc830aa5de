using Akka.Actor;
using Akka.Configuration;

using SplitFrozen.Actors.Channel;
using SplitFrozen.Actors.Hosting;
using SplitFrozen.Actors.Tests.Channel.Support;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Pipeline;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Protocol;
using SplitFrozen.TestKit.Faults;

using Xunit;

using AkkaSerializer = Akka.Serialization.Serializer;

namespace SplitFrozen.Actors.Tests.Cluster;

/// <summary>A device that sends what it must not is put out, and training goes on with the other's samples; what becomes of its own depends on where they are.</summary>
[Collection(ClusterCollection.Name)]
public sealed class QuarantineSpecs
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(90);

    private Action? _garbage;

    [Theory(DisplayName = "Shared data of a node whose frames are garbage, or whose activations are no numbers, moves to the other node: every sample is trained, with the same bytes")]
    [InlineData("garbage", FrameFault.NotAFrame)]
    [InlineData("not a number", FrameFault.NotFinite)]
    public async Task Should_move_shared_data(string what, FrameFault fault)
    {
        using var loop = new StandInRun();
        loop.InOneProcess();
        using var run = new StandInRun();
        var server = run.Server();
        await using var main = ServerNode.Start(server, run.Akka);
        var cluster = Joining(run, main);
        await using var good = Start(run, cluster, "strong", null, stream => stream);
        var bad = what == "garbage"
            ? Start(run, cluster, "weak", null, stream => new GarblingStream(stream, after: 48))
            : Start(run, cluster, "weak", null, stream => stream, model: new InterceptedModel(run.Model, _ => { }) { SpoilsActivations = () => true });
        var error = await Assert.ThrowsAsync<UserErrorException>(() => bad.Ended.WaitAsync(Long));
        await bad.DisposeAsync();
        var summary = await server.Result.WaitAsync(Long);

        Assert.Contains("what it sent was refused", error.Message, StringComparison.Ordinal);
        Assert.True(summary.ChannelRefusals[fault.ToString()] >= 3);
        Assert.Equal(summary.SamplesExpected, summary.SamplesTrained);
        Assert.Equal(loop.Losses, run.Losses);
        Assert.Equal(loop.AdapterBytes(), run.AdapterBytes());
    }

    [Fact(DisplayName = "A node that sends control messages which cannot be read is put out and reported; its own data is waited for with an alarm, then struck, and the other's is trained")]
    public async Task Should_quarantine_a_node_that_sends_garbage()
    {
        using var run = new StandInRun([.. ServerFleet.QuickLoss, "splitfrozen.training.epochs=3", "splitfrozen.device.lost-after=2s", "splitfrozen.channel.credits=1"])
        {
            OnEvent = e =>
            {
                if (e is RunEvent.StepDone { Step: 1 })
                {
                    _garbage!();
                }
            },
        };
        var server = run.Server();
        await using var main = ServerNode.Start(server, run.Akka);
        var cluster = Joining(run, main);
        await using var good = Start(run, cluster, "strong", 0, stream => stream);
        var bad = Start(run, cluster, "weak", 1, stream => stream, GarbageSerializer.Hocon);
        var target = bad.System.ActorSelection(new RootActorPath(main.Address) / "user" / "server" / "supervisor");
        _garbage = () =>
        {
            for (var time = 0; time < 5; time++)
            {
                target.Tell(new Garbage());
            }
        };
        var summary = await server.Result.WaitAsync(Long);
        await bad.EndAsync();

        var quarantined = Assert.Single(run.Events.OfType<RunEvent.NodeQuarantined>());
        Assert.Equal((bad.Address.ToString(), new DeviceId("device-1")), (quarantined.From, Assert.Single(quarantined.Devices)));
        Assert.Contains(run.Events.OfType<RunEvent.ControlRefused>(), r => r.Count == 1 && r.From == bad.Address.ToString());
        Assert.Contains(run.Events.OfType<RunEvent.DeviceProblem>(), p => p.Problem.Contains("training waits up to 2 s for its return", StringComparison.Ordinal));
        Assert.True(summary.Completed);
        Assert.All(summary.Struck, s => Assert.Equal("device-1", s.Device));
        Assert.NotEmpty(summary.Struck);
        Assert.All(LedgerCheck.Of(LedgerFile.Read(run.Paths.Ledger).Records), e => Assert.Empty(e.Faults));
    }

    private static ClusterSettings Joining(StandInRun run, ServerNode main) =>
        run.Settings.Cluster with { Port = 0, SeedNodes = [$"{main.Address.Host}:{main.Address.Port}"] };

    /// <summary>A node with one part of the data as its own, or with its share of all.</summary>
    private static DeviceNodeHost Start(StandInRun run, ClusterSettings cluster, string name, int? part, Func<Stream, Stream> link, Config? akka = null, IModelSource? model = null) => DeviceNodeHost.Start(
        new DeviceNodeOptions(
            cluster, new NodeProfile(name, null), model ?? run.Model, new DeviceData(run.Data, OwnFolder: false, part), part is { } own ? SharedDevices.Id(own) : null, 2,
            part is null ? 2 : 1, null)
        {
            Route = new ChannelRoute(null, link),
        },
        akka?.WithFallback(run.Akka) ?? run.Akka);
}

/// <summary>Something that no other node can read.</summary>
public sealed record Garbage;

/// <summary>Writes it under the number of a serializer that nodes of the run refuse.</summary>
public sealed class GarbageSerializer : AkkaSerializer
{
    /// <summary>Made by Akka from its configuration.</summary>
    public GarbageSerializer(ExtendedActorSystem system, Config settings) : base(system) => ArgumentNullException.ThrowIfNull(settings);

    /// <summary>The configuration that sets it.</summary>
    public static Config Hocon { get; } = ConfigurationFactory.ParseString(
        $$"""
        akka.actor {
          serializers.json = "{{typeof(GarbageSerializer).FullName}}, {{typeof(GarbageSerializer).Assembly.GetName().Name}}"
          serialization-bindings { "{{typeof(Garbage).FullName}}, {{typeof(Garbage).Assembly.GetName().Name}}" = json }
          serialization-settings.allow-unregistered-types = true
        }
        """);

    /// <inheritdoc/>
    public override int Identifier => 1;

    /// <inheritdoc/>
    public override bool IncludeManifest => false;

    /// <inheritdoc/>
    public override byte[] ToBinary(object obj) => [1, 2, 3];

    /// <inheritdoc/>
    public override object FromBinary(byte[] bytes, Type type) => new Garbage();
}
