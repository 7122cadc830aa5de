using Akka.Actor;

using SplitFrozen.Actors.Coordination;
using SplitFrozen.Protocol;
using SplitFrozen.Protocol.Messages;

using Xunit;

namespace SplitFrozen.Actors.Tests.Coordination;

/// <summary>Who may take part.</summary>
public sealed class AdmissionSpecs
{
    private static readonly RunSpec Run = new(
        "run", "abc", TaskKind.Classification, ["a", "b"], 4, 128, 2048, 4, 1, new PartitionSpec(PartitionKind.Iid, 4, 0.1, 2, 0, 0, 1), 1000, ActivationCodec.Fp32);

    private static readonly DeviceEvents.Greeted Greeting = new(new DeviceId("phone"), new Incarnation(1), "node", ProtocolVersion.Current, "abc", true)
    {
        Release = Release.Current,
    };

    [Fact(DisplayName = "A device of the same release is admitted")]
    public void Should_admit_the_same_release() => Assert.Null(Admission.Check(Greeting, null, ActorRefs.Nobody, Run, faults: 0, closed: false));

    [Theory(DisplayName = "Another release or protocol is refused with both versions named")]
    [InlineData("9.8.7", ProtocolVersion.Current)]
    [InlineData(null, 1)]
    public void Should_refuse_another_version(string? release, int protocol)
    {
        var greeting = Greeting with { Release = release ?? Release.Current, ProtocolVersion = protocol };
        var refusal = Admission.Check(greeting, null, ActorRefs.Nobody, Run, faults: 0, closed: false);

        Assert.Equal(RefusalReason.OtherVersion, refusal?.Reason);
        Assert.Contains(greeting.Release, refusal!.Explanation, StringComparison.Ordinal);
        Assert.Contains($"version {protocol} of the protocol", refusal.Explanation, StringComparison.Ordinal);
        Assert.Contains($"release {Release.Current} and speaks {ProtocolVersion.Current}", refusal.Explanation, StringComparison.Ordinal);
    }

    [Theory(DisplayName = "A device of a node that was told otherwise whether a standby may take over is refused, with both values and the key")]
    [InlineData(true)]
    [InlineData(false)]
    public void Should_refuse_another_rule(bool standby)
    {
        var refusal = Admission.Check(Greeting with { KnowsStandby = !standby }, null, ActorRefs.Nobody, Run, faults: 0, closed: false, standby);

        Assert.Equal(RefusalReason.OtherStandby, refusal?.Reason);
        Assert.Contains($"splitfrozen.cluster.standby is {(standby ? "on at the server and off" : "off at the server and on")} there", refusal!.Explanation, StringComparison.Ordinal);
        Assert.Null(Admission.Check(Greeting with { KnowsStandby = standby }, null, ActorRefs.Nobody, Run, faults: 0, closed: false, standby));
    }

    [Theory(DisplayName = "A device whose frames were refused three times from a node is not let in from there again")]
    [InlineData(2, false)]
    [InlineData(3, true)]
    public void Should_refuse_who_sent_garbage(int faults, bool isRefused)
    {
        var refusal = Admission.Check(Greeting, null, ActorRefs.Nobody, Run, faults, closed: false);

        Assert.Equal(isRefused ? RefusalReason.BadFrames : null, refusal?.Reason);
    }
}
