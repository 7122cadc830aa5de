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
    public void Should_admit_the_same_release() => Assert.Null(Admission.Check(Greeting, null, ActorRefs.Nobody, Run, closed: false));

    [Theory(DisplayName = "Another release or protocol is refused with both versions named")]
    [InlineData("9.8.7", ProtocolVersion.Current)]
    [InlineData(null, 1)]
    public void Should_refuse_another_version(string? release, int protocol)
    {
        var greeting = Greeting with { Release = release ?? Release.Current, ProtocolVersion = protocol };
        var refusal = Admission.Check(greeting, null, ActorRefs.Nobody, Run, closed: false);

        Assert.Equal(RefusalReason.OtherVersion, refusal?.Reason);
        Assert.Contains(greeting.Release, refusal!.Explanation, StringComparison.Ordinal);
        Assert.Contains($"version {protocol} of the protocol", refusal.Explanation, StringComparison.Ordinal);
        Assert.Contains($"release {Release.Current} and speaks {ProtocolVersion.Current}", refusal.Explanation, StringComparison.Ordinal);
    }
}
