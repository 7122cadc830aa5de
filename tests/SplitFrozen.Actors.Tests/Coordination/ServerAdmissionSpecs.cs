using SplitFrozen.Actors.Coordination;
using SplitFrozen.Protocol;
using SplitFrozen.Protocol.Messages;

using Xunit;

namespace SplitFrozen.Actors.Tests.Coordination;

/// <summary>Which server nodes may hold stages.</summary>
public sealed class ServerAdmissionSpecs
{
    private static readonly RunSpec Run = new(
        "run", "abc", TaskKind.Classification, ["a", "b"], 4, 128, 2048, 4, 1, new PartitionSpec(PartitionKind.Iid, 4, 0.1, 2, 0, 0, 1), 1000, ActivationCodec.Fp32);

    private static readonly ServerEvents.Greeted Second = new("second", false, ProtocolVersion.Current, "ABC", 1, "127.0.0.1", 4055, 0, 0) { Release = Release.Current };

    [Fact(DisplayName = "One of the same release, model and threads may, while the run goes on")]
    public void Should_admit_its_like()
    {
        Assert.Null(Check(Second));
        Assert.Null(ServerAdmission.Check(Second with { IsMain = true, Release = null }, Run, 1, closed: false));
        Assert.Contains("ending", ServerAdmission.Check(Second, Run, 2, closed: true), StringComparison.Ordinal);
    }

    [Theory(DisplayName = "One of another release, or that names none, is refused with both named, as is one that speaks another version")]
    [InlineData("0.0.1-other", null, "it is release 0.0.1-other and speaks")]
    [InlineData(null, null, "it is an unnamed release")]
    [InlineData("same", 999, "speaks version 999 of the protocol")]
    public void Should_refuse_another_release(string? release, int? version, string expected)
    {
        var refusal = Check(Second with { Release = release == "same" ? Release.Current : release, ProtocolVersion = version ?? ProtocolVersion.Current });

        Assert.Contains(expected, refusal, StringComparison.Ordinal);
        Assert.Contains($"the main server is release {Release.Current}", refusal, StringComparison.Ordinal);
        Assert.Contains("run the same release on all nodes", refusal, StringComparison.Ordinal);
    }

    [Fact(DisplayName = "Another model, other threads, and a run that has no stages to give away are refused with the remedy")]
    public void Should_name_the_remedy()
    {
        Assert.Contains("splitfrozen.model.path", Check(Second with { ModelFingerprint = "def" }), StringComparison.Ordinal);
        Assert.Contains("splitfrozen.training.threads", Check(Second with { Threads = 2 }), StringComparison.Ordinal);
        Assert.Contains("splitfrozen.start.servers", ServerAdmission.Check(Second, Run, 1, closed: false), StringComparison.Ordinal);
    }

    private static string? Check(ServerEvents.Greeted greeting) => ServerAdmission.Check(greeting, Run, 2, closed: false);
}
