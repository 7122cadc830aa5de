using SplitFrozen.Protocol.Messages;

namespace SplitFrozen.Protocol.Tests;

/// <summary>What a message that was read from the wire is checked for before anyone acts on it.</summary>
public sealed class MessageSpecs
{
    private static readonly DeviceId Phone = new("phone-3");
    private static readonly DeviceId Bad = new("../etc");
    private static readonly Incarnation Life = new(42);
    private static readonly Capacity Strength = new(1000, 1 << 30);
    private static readonly WorkDone Work = new(10, 120, 1.5e9, 4096, 2.5, 3, 1);
    private static readonly ChannelEndpoint Channel = new("127.0.0.1", 4054, new string('A', 32));
    private static readonly RunSpec Run = new(
        "run", "abc", TaskKind.Classification, ["a", "b"], 4, 128, 2048, 4, 1, new PartitionSpec(PartitionKind.Iid, 4, 0.1, 2, 0, 0, 1), 1000, ActivationCodec.Fp32);

    private static readonly MethodSpec Method = new(
        "splitlora", new StageSpec("abc", TaskKind.Classification, 2, 0, 0, 2, 8, 16, 0, [], 0.01, 1, 1, 1), false, true, 16, 8, "plan", 1 << 20);

    private static readonly MethodCommands.TrainRound Round = new(Phone, Life, 0, 1, 2, 3, 4, [1e-3, 1e-4]);
    private static readonly MethodCommands.TrainBatch Batch = new(Phone, Life, 1, 0, 5, 6, 1e-3);
    private static readonly DeviceCommands.Welcome Welcome = new(Phone, Life, Run, Channel);
    private static readonly DeviceCommands.Grant Grant = new(Phone, Life, new GrantId(0, 1), [3, 1], [0]);
    private static readonly DeviceEvents.Prepared Prepared = new(Phone, Life, 5, Strength, new string('a', 64));

    public static TheoryData<IValidated> Sound =>
    [
        Welcome, new DeviceCommands.Refuse(Phone, Life, RefusalReason.IdTaken, "taken"), new DeviceCommands.AssignLayers(Phone, new AllocationEpoch(1), 1),
        Grant, new DeviceCommands.ReturnCredits(Phone, Life, 0), new DeviceCommands.Finish(Phone),
        new DeviceEvents.Greeted(Phone, Life, "node", 1, "abc", true), Prepared, Prepared with { Samples = 0 },
        new DeviceEvents.LayersLoaded(Phone, Life, new AllocationEpoch(1), 1), new DeviceEvents.Heartbeat(Phone, Life, Strength, Work),
        new DeviceEvents.Finished(Phone, Life, Work), new DeviceEvents.Failed(Phone, Life, "no data"), new DeviceEvents.Left(Phone, Life, Work),
        new NodeCommands.Drain("node"), new LeaseMessages.Ask(), new LeaseMessages.Answer(true), Welcome with { Run = Run with { Cut = 0, Method = Method } }, Round, Batch, new MethodCommands.SendState(Phone, Life, 2, 1),
    ];

    /// <summary>Values as a broken or hostile peer may send them: constructors are not run on reading, so that nothing may be taken for granted.</summary>
    public static TheoryData<string, IValidated> Unsound => new()
    {
        { "specification", Welcome with { Run = null! } },
        { "specification", Welcome with { Run = Run with { Labels = null! } } },
        { "specification", Welcome with { Run = Run with { Partition = null! } } },
        { "endpoint", Welcome with { Channel = null! } },
        { "endpoint", Welcome with { Channel = Channel with { Port = 0 } } },
        { "endpoint", Welcome with { Channel = Channel with { Port = 65536 } } },
        { "endpoint", Welcome with { Channel = Channel with { Token = "" } } },
        { "cut 0", Welcome with { Run = Run with { Cut = 0 } } },
        { "max-length", Welcome with { Run = Run with { MaxLength = -1 } } },
        { "unit-tokens", Welcome with { Run = Run with { UnitTokens = 0 } } },
        { "credits", Welcome with { Run = Run with { Credits = 0 } } },
        { "threads", Welcome with { Run = Run with { Threads = int.MaxValue } } },
        { "heartbeat", Welcome with { Run = Run with { HeartbeatMilliseconds = 0 } } },
        { "explanation", new DeviceCommands.Refuse(Phone, Life, RefusalReason.BadId, null!) },
        { "layers 0", new DeviceCommands.AssignLayers(Phone, new AllocationEpoch(1), 0) },
        { "samples are missing", Grant with { Samples = null! } },
        { "samples are missing", Grant with { SkipUnits = null! } },
        { "no sample", Grant with { Samples = [] } },
        { "index is negative", Grant with { Samples = [0, -1] } },
        { "unit's number", Grant with { SkipUnits = [-1] } },
        { "grant's id", Grant with { Id = new GrantId(-1, 0) } },
        { "grant's id", Grant with { Id = new GrantId(0, -1) } },
        { "negative", new DeviceCommands.ReturnCredits(Phone, Life, -1) },
        { "name is missing", new DeviceEvents.Greeted(Phone, Life, null!, 1, "abc", true) },
        { "fingerprint is missing", new DeviceEvents.Greeted(Phone, Life, "node", 1, null!, true) },
        { "samples -1", Prepared with { Samples = -1 } },
        { "capacity", Prepared with { Capacity = new Capacity(double.PositiveInfinity, 0) } },
        { "capacity", Prepared with { Capacity = new Capacity(-1, 0) } },
        { "layers", new DeviceEvents.LayersLoaded(Phone, Life, new AllocationEpoch(1), -3) },
        { "capacity", new DeviceEvents.Heartbeat(Phone, Life, new Capacity(double.NaN, 0), Work) },
        { "capacity", new DeviceEvents.Heartbeat(Phone, Life, Strength with { LinkBytesPerSecond = double.NaN }, Work) },
        { "capacity", new DeviceEvents.Heartbeat(Phone, Life, Strength with { QueueLength = -1 }, Work) },
        { "total", new DeviceEvents.Left(Phone, Life, Work with { Operations = -1 }) },
        { "node", new NodeCommands.Drain("") },
        { "total", new DeviceEvents.Heartbeat(Phone, Life, Strength, Work with { Flops = double.NaN }) },
        { "total", new DeviceEvents.Finished(Phone, Life, Work with { BytesSent = -1 }) },
        { "reason", new DeviceEvents.Failed(Phone, Life, null!) },
        { "field is missing", Welcome with { Run = Run with { Cut = 0, Method = Method with { Order = null! } } } },
        { "micro-batch-size 17", Welcome with { Run = Run with { Cut = 0, Method = Method with { MicroBatchSize = 17 } } } },
        { "max-frame-bytes 0", Welcome with { Run = Run with { Cut = 0, Method = Method with { MaxFrameBytes = 0 } } } },
        { "rank 0", Welcome with { Run = Run with { Cut = 0, Method = Method with { Stage = Method.Stage with { Rank = 0 } } } } },
        { "learning rates", Round with { Rates = [] } },
        { "learning rates", Round with { Rates = [double.NaN] } },
        { "batch -1", Round with { FirstBatch = -1 } },
        { "number -1", Round with { Number = -1 } },
        { "states -2", Batch with { States = -2 } },
        { "learning rate", Batch with { Rate = double.PositiveInfinity } },
        { "total", new DeviceEvents.Heartbeat(Phone, Life, Strength, Work with { BytesReceived = -1 }) },
    };

    [Theory(DisplayName = "Sound messages pass")]
    [MemberData(nameof(Sound), DisableDiscoveryEnumeration = true)]
    public void Should_pass_sound_messages(IValidated message) => Assert.Null(message.Fault());

    [Theory(DisplayName = "A value out of range is named")]
    [MemberData(nameof(Unsound), DisableDiscoveryEnumeration = true)]
    public void Should_name_what_is_wrong(string named, IValidated message) => Assert.Contains(named, message.Fault(), StringComparison.Ordinal);

    [Fact(DisplayName = "Every message refuses a device id that is not well-formed")]
    public void Should_check_the_device()
    {
        IValidated[] messages =
        [
            Welcome with { Device = Bad }, new DeviceCommands.Refuse(Bad, Life, RefusalReason.BadId, "x"), new DeviceCommands.AssignLayers(Bad, new AllocationEpoch(1), 1),
            Grant with { Device = Bad }, new DeviceCommands.ReturnCredits(Bad, Life, 0), new DeviceCommands.Finish(Bad),
            new DeviceEvents.Greeted(Bad, Life, "node", 1, "abc", true), Prepared with { Device = Bad }, new DeviceEvents.LayersLoaded(Bad, Life, new AllocationEpoch(1), 1),
            new DeviceEvents.Heartbeat(Bad, Life, Strength, Work), new DeviceEvents.Finished(Bad, Life, Work), new DeviceEvents.Failed(Bad, Life, "x"),
            new DeviceEvents.Left(Bad, Life, Work), Round with { Device = Bad }, Batch with { Device = Bad }, new MethodCommands.SendState(Bad, Life, 0, 0),
        ];

        Assert.All(messages, m => Assert.Contains("device id", m.Fault(), StringComparison.Ordinal));
    }

    [Theory(DisplayName = "Device ids are short names without paths, spaces or control characters")]
    [InlineData("phone-3", true)]
    [InlineData("A", true)]
    [InlineData("0.a_b-c", true)]
    [InlineData("", false)]
    [InlineData(null, false)]
    [InlineData("-a", false)]
    [InlineData("a/b", false)]
    [InlineData("a b", false)]
    [InlineData("a\n", false)]
    [InlineData("é", false)]
    [InlineData("a234567890123456789012345678901234567890123456789012345678901234", true)]
    [InlineData("a2345678901234567890123456789012345678901234567890123456789012345", false)]
    public void Should_know_well_formed_ids(string? value, bool valid) => Assert.Equal(valid, new DeviceId(value!).IsValid);

    [Fact(DisplayName = "Ids sort alike on every machine: by code unit, and grants by epoch first")]
    public void Should_sort_ids()
    {
        Assert.Equal(["B", "a", "a-1", "a1"], new[] { "a1", "a", "B", "a-1" }.Select(v => new DeviceId(v)).Order().Select(d => d.Value));
        Assert.Equal([new GrantId(0, 9), new GrantId(1, 0), new GrantId(1, 2)], new[] { new GrantId(1, 2), new GrantId(0, 9), new GrantId(1, 0) }.Order());
    }
}
