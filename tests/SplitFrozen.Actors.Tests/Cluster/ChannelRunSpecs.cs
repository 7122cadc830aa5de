using SplitFrozen.Actors.Security;
using SplitFrozen.Actors.Tests.Channel.Support;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Runs;

using Xunit;

namespace SplitFrozen.Actors.Tests.Cluster;

/// <summary>Whole runs over channels that break, that are secured, that are lossy, and that are short of memory.</summary>
[Collection(ClusterCollection.Name)]
public sealed class ChannelRunSpecs
{
    private const int MostBreaks = 24;

    [Theory(DisplayName = "A run whose channels break in mid-frame ends with the same bytes, and trains nothing twice")]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Should_not_notice_broken_connections(int seed)
    {
        using var loop = new StandInRun();
        loop.InOneProcess();
        var random = new Random(seed);
        var opened = 0;
        using var run = new StandInRun();
        var summary = await run.OnClusterAsync((_, stream) =>
        {
            // Links hold at last, so that the run also has quiet times.
            lock (random)
            {
                return ++opened <= MostBreaks ? new BreakingStream(stream, random.Next(48, 6000)) : stream;
            }
        });

        Assert.InRange(opened, 5, 1000);
        Assert.Equal(loop.Losses, run.Losses);
        Assert.Equal(loop.AdapterBytes(), run.AdapterBytes());
        Assert.Equal(summary.SamplesExpected, summary.SamplesTrained);
    }

    [Fact(DisplayName = "A run over TLS ends with the same bytes")]
    public async Task Should_train_over_tls()
    {
        var folder = Directory.CreateTempSubdirectory("splitfrozen-tls");
        try
        {
            using var authority = new CertificateAuthority("run");
            var (certificate, key) = authority.Issue("node");
            foreach (var (name, text) in new[] { ("certificate", certificate), ("key", key), ("ca", authority.RootPem) })
            {
                File.WriteAllText(Path.Combine(folder.FullName, name), text);
            }

            using var loop = new StandInRun();
            loop.InOneProcess();
            using var run = new StandInRun(
                "splitfrozen.security.tls.enabled=on", $"splitfrozen.security.tls.certificate={folder.FullName}/certificate",
                $"splitfrozen.security.tls.key={folder.FullName}/key", $"splitfrozen.security.tls.ca={folder.FullName}/ca");
            var summary = await run.OnClusterAsync();

            Assert.Empty(summary.ChannelRefusals);
            Assert.Equal(loop.AdapterBytes(), run.AdapterBytes());
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact(DisplayName = "A device whose frames are refused three times is put out of the run, with what was wrong")]
    public async Task Should_put_out_a_device_after_three_faults()
    {
        using var run = new StandInRun("splitfrozen.nodes=[{ name = bad }]");
        var opened = 0;
        var error = await Assert.ThrowsAsync<UserErrorException>(() => run.OnClusterAsync((_, stream) =>
        {
            Interlocked.Increment(ref opened);
            return new GarblingStream(stream, after: 48);
        }));


        // The third is of a life that may be over when the device hears of it; the next is not.
        Assert.Matches("what it sent was refused [3-9] times", error.Message);
        Assert.InRange(opened, 3, 1000);
        Assert.Contains(run.Events.OfType<RunEvent.ChannelRefused>(), r => r.Fault == "NotAFrame");
        Assert.Empty(run.Losses);
    }

    [Theory(DisplayName = "A run with a lossy codec trains every sample and sends fewer bytes")]
    [InlineData("bf16", 0.8)]
    [InlineData("int8", 0.7)]
    [InlineData("int4", 0.65)]
    public async Task Should_train_with_a_lossy_codec(string codec, double share)
    {
        using var exact = new StandInRun();
        using var run = new StandInRun($"splitfrozen.channel.codec={codec}");
        var bytes = (await exact.OnClusterAsync()).Devices.Sum(d => d.BytesSent);
        var summary = await run.OnClusterAsync();

        Assert.Equal(summary.SamplesExpected, summary.SamplesTrained);
        Assert.True(summary.AccuracyAfter > summary.AccuracyBefore);
        Assert.InRange(summary.Devices.Sum(d => d.BytesSent), 1, (long)(bytes * share));
    }

    [Fact(DisplayName = "A run whose memory holds little more than one grant ends with the same bytes")]
    public async Task Should_train_in_little_memory()
    {
        using var loop = new StandInRun();
        loop.InOneProcess();
        using var run = new StandInRun("splitfrozen.server.memory-limit=1MiB", "splitfrozen.pipeline.window=50");
        await run.OnClusterAsync();

        Assert.DoesNotContain(run.Events, e => e is RunEvent.ChannelRefused);
        Assert.Equal(loop.AdapterBytes(), run.AdapterBytes());
    }
}
