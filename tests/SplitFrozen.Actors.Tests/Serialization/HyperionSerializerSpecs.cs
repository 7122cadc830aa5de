using System.Runtime.Serialization;

using Akka.Actor;
using Akka.Configuration;

using SplitFrozen.Actors.Hosting;
using SplitFrozen.Actors.Serialization;
using SplitFrozen.Protocol;
using SplitFrozen.Protocol.Messages;

using Xunit;

namespace SplitFrozen.Actors.Tests.Serialization;

public sealed class HyperionSerializerSpecs : Akka.TestKit.Xunit2.TestKit
{
    private static readonly DeviceId Phone = new("phone-3");
    private static readonly Incarnation Life = new(1234567890123);
    private static readonly WorkDone Work = new(10, 120, 1.5e9, 4096, 2.5, 3, 1);
    private static readonly RunSpec Run = new(
        "run", "abc123", TaskKind.Classification, ["yes", "no"], 4, 128, 2048, 4, 1, new PartitionSpec(PartitionKind.Dirichlet, 4, 0.1, 2, 0.1, 0, 7), 1000, ActivationCodec.Int8);

    private static readonly StageSpec Stage = new("abc123", TaskKind.Classification, 4, 2, 3, 5, 8, 16, 0.1, ["c_attn"], 0.01, 1, 7, 1);

    private static readonly ServerLink Link = new(0, true, "10.0.0.5", 4055, new string('A', 32), 1000, 0.02);

    private static readonly IWireMessage[] Examples =
    [
        new DeviceCommands.Welcome(
            Phone, Life, Run with { Method = new MethodSpec("fedlora", Stage, true, true, 16, 8, "buffer:7", 1 << 20) }, new ChannelEndpoint("127.0.0.1", 4054, new string('A', 32))),
        new DeviceCommands.Refuse(Phone, Life, RefusalReason.IdTaken, "the id is taken"),
        new DeviceCommands.AssignLayers(Phone, new AllocationEpoch(2), 3),
        new DeviceCommands.Grant(Phone, Life, new GrantId(1, 5), [3, 1, 4], [0]),
        new DeviceCommands.ReturnCredits(Phone, Life, 17),
        new DeviceCommands.Finish(Phone),
        new DeviceEvents.Greeted(Phone, Life, "flagship", ProtocolVersion.Current, "abc123", true) { Method = "splitlora" },
        new DeviceEvents.Prepared(Phone, Life, 2500, new Capacity(1234.5, 1L << 33), new string('a', 64)),
        new DeviceEvents.Traced(Phone, Life, 5_000_000, [4_000_000, 4_500_000], [300_000, 400_000], [false, true]),
        new DeviceEvents.LayersLoaded(Phone, Life, new AllocationEpoch(2), 3),
        new DeviceEvents.Heartbeat(Phone, Life, new Capacity(1234.5, 1L << 33) { LinkBytesPerSecond = 5e6, QueueLength = 3 }, Work) { Allocation = new AllocationEpoch(2) },
        new DeviceEvents.Left(Phone, Life, Work),
        new NodeCommands.Drain("flagship"),
        new LeaseMessages.Ask(),
        new LeaseMessages.Answer(true),
        new DeviceEvents.Finished(Phone, Life, Work),
        new DeviceEvents.Failed(Phone, Life, "row 7 is malformed"),
        new MethodCommands.TrainRound(Phone, Life, 3, 4, 2, 14, 15, [1e-3, 5e-4]),
        new MethodCommands.TrainBatch(Phone, Life, 5, 1, 7, 21, 1e-3),
        new MethodCommands.SendState(Phone, Life, 6, 1),
        new ServerCommands.Welcome(Stage, 16, 128),
        new ServerCommands.Refuse("its model folder differs"),
        new ServerCommands.Arrange(2, 1, [0, 1, 1], [Link]),
        new ServerCommands.Finish(),
        new ServerEvents.Greeted("big", false, ProtocolVersion.Current, "abc123", 1, "10.0.0.5", 4055, 1000, 0.02) { Release = "0.1.0" },
        new ServerEvents.Transferred(3, 1, 1_800_000_000_000_000, 1_799_999_999_999_000, 950),
        new ServerEvents.Measured(5e10),
        new ServerEvents.Failed("the rank is 0"),
        new ServerEvents.Connected(2),
        new ServerEvents.LinkBroken(2, 1, "connection reset"),
        new StageCommands.Host(0, 1, Stage),
        new StageCommands.Forward(2, new MicroBatchId(7, 1)),
        new StageCommands.BackwardInput(2, new MicroBatchId(7, 1), true),
        new StageCommands.BackwardWeights(2, new MicroBatchId(7, 1), false),
        new StageCommands.ReadGradients(2),
        new StageCommands.Step(2, 7, 1e-3, 32, double.NaN),
        new StageCommands.Reset(3, 7),
        new StageEvents.Loaded(1, 0, 12345),
        new StageEvents.LoadFailed(1, 0, "the rank is 0"),
        new StageEvents.InputArrived(1, 2, new MicroBatchId(7, 1), true),
        new StageEvents.OperationDone(1, 2, 0.25, true, 12.5, 16, 9),
        new StageEvents.GradientsRead(1, 2, [0.5, 1.5]),
        new StageEvents.Stepped(1, 2, 0.125),
        new StageEvents.Scored(1, 2, 4, 12.5, 16, 9, 3, [0, 2], [1, 2]),
        new StageEvents.Restarted(1, 2, "out of memory"),
        new StageEvents.ResetDone(1, 3),
    ];

    public HyperionSerializerSpecs() : base(ConfigurationFactory.ParseString("akka.actor.provider = local").WithFallback(ActorConfig.Shipped))
    {
    }

    public static TheoryData<string> MessageTypes() => [.. AllowList.Messages(typeof(IWireMessage).Assembly).Select(t => t.FullName!)];

    [Theory(DisplayName = "Every message of the protocol survives the wire")]
    [MemberData(nameof(MessageTypes))]
    public void Should_carry_each_message(string type)
    {
        var message = Assert.Single(Examples, e => e.GetType().FullName == type);
        var serializer = Sys.Serialization.FindSerializerFor(message);
        var read = serializer.FromBinary(serializer.ToBinary(message), message.GetType());

        Assert.IsType<HyperionSerializer>(serializer);
        Assert.Equivalent(message, read, strict: true);
    }

    [Fact(DisplayName = "A type that is not of the protocol is not written")]
    public void Should_not_write_foreign_types() =>
        Assert.Throws<SerializationException>(() => Serializer().ToBinary(new Foreign("x")));

    [Theory(DisplayName = "Bytes that name a type outside the allow-list are refused before it is made")]
    [MemberData(nameof(ForeignObjects))]
    public void Should_not_read_foreign_types(object foreign)
    {
        using var stream = new MemoryStream();
        new Hyperion.Serializer(Hyperion.SerializerOptions.Default.WithVersionTolerance(true)).Serialize(foreign, stream);
        Foreign.Made = 0;

        var error = Assert.Throws<SerializationException>(() => Serializer().FromBinary(stream.ToArray(), typeof(object)));
        Assert.Equal(0, Foreign.Made);
        Assert.Contains("refused", error.Message, StringComparison.Ordinal);
    }

    public static TheoryData<object> ForeignObjects() =>
        [new Foreign("x"), new Version(1, 2), new Dictionary<string, int> { ["a"] = 1 }, new DeviceId("phone-3"), "text"];

    [Fact(DisplayName = "A message whose values are out of range is refused")]
    public void Should_check_values()
    {
        IWireMessage[] wrong =
        [
            new DeviceCommands.AssignLayers(Phone, new AllocationEpoch(1), 0),
            new DeviceCommands.Grant(Phone, Life, new GrantId(0, 0), [-1], []),
            new DeviceCommands.Finish(new DeviceId("../etc")),
            new DeviceEvents.Heartbeat(Phone, Life, new Capacity(double.NaN, 0), Work),
            new StageCommands.Host(0, -1, Stage),
            new StageCommands.Host(0, 0, Stage with { To = 3 }),
            new StageCommands.Step(0, 7, double.NaN, 32, 1),
            new ServerEvents.Measured(double.PositiveInfinity),
            new ServerCommands.Arrange(1, 0, [0, -1], [Link]),
            new ServerCommands.Arrange(1, 0, [0, 1], [Link with { Token = "short" }]),
            new StageEvents.Scored(1, 2, 4, 12.5, 16, 9, 2, [0, 2], [1, 1]),
            new StageEvents.Scored(1, 2, 4, 12.5, 16, 9, 3, [0, 2], [1]),
            new DeviceCommands.Welcome(Phone, Life, Run with { Cut = 0 }, new ChannelEndpoint("h", 1, "t")),
        ];
        foreach (var message in wrong)
        {
            Assert.Throws<SerializationException>(() => Serializer().FromBinary(Serializer().ToBinary(message), message.GetType()));
        }
    }

    [Fact(DisplayName = "Bytes that end early are refused at once")]
    public void Should_refuse_truncated_bytes()
    {
        // One serializer for all: each new one compiles its readers again.
        var serializer = Serializer();
        var bytes = serializer.ToBinary(Examples[0]);
        for (var length = 0; length < bytes.Length; length++)
        {
            Assert.Throws<SerializationException>(() => serializer.FromBinary(bytes[..length], typeof(object)));
        }
    }

    [Fact(DisplayName = "JSON is neither sent nor received")]
    public void Should_refuse_json()
    {
        Assert.Throws<SerializationException>(() => Sys.Serialization.Deserialize("{}"u8.ToArray(), 1, ""));
        Assert.Throws<SerializationException>(() => { Sys.Serialization.Serialize(new Foreign("x")); });
    }

    private HyperionSerializer Serializer() => new((ExtendedActorSystem)Sys);

    private sealed class Foreign
    {
        public Foreign(string value)
        {
            Value = value;
            Made++;
        }

        public static int Made { get; set; }

        public string Value { get; }
    }
}
