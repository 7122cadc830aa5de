using System.Net;
using System.Net.Sockets;

using SplitFrozen.Actors.Hosting;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Data;

using Xunit;

namespace SplitFrozen.Actors.Tests.Cluster;

/// <summary>Liveness and readiness over HTTP.</summary>
[Collection(ClusterCollection.Name)]
public sealed class HealthEndpointSpecs
{
    private static readonly HealthSettings AnyPort = new("127.0.0.1", 0);
    private static readonly HttpClient Http = new();

    [Theory(DisplayName = "A page answers 200 where all is well and 503 where it is not, with a line that says what is")]
    [InlineData("live", true, 200)]
    [InlineData("live", false, 503)]
    [InlineData("ready", true, 200)]
    [InlineData("ready", false, 503)]
    public async Task Should_answer(string page, bool isGood, int expected)
    {
        var health = new Health(isGood, $"{page} is {isGood}");
        var other = new Health(!isGood, "the other page");
        using var endpoint = HealthEndpoint.Start(AnyPort, () => page == "live" ? health : other, () => page == "ready" ? health : other);

        Assert.Equal((expected, $"{page} is {isGood}\n"), await GetAsync(endpoint!, page));
    }

    [Fact(DisplayName = "Any other page is not there; an endpoint that is off is none; one that cannot listen names its keys")]
    public async Task Should_refuse()
    {
        using var endpoint = HealthEndpoint.Start(AnyPort, () => default, () => default);
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var settings = new HealthSettings("127.0.0.1", ((IPEndPoint)taken.LocalEndpoint).Port);

        Assert.Equal((404, "ask for /live or /ready\n"), await GetAsync(endpoint!, "metrics"));
        Assert.Null(HealthEndpoint.Start(new HealthSettings("127.0.0.1", null), () => default, () => default));
        var error = Assert.Throws<UserErrorException>(() => HealthEndpoint.Start(settings, () => default, () => default));
        Assert.Contains("splitfrozen.health.host and splitfrozen.health.port", error.Message, StringComparison.Ordinal);
    }

    [Fact(DisplayName = "An endpoint that is closed while its thread goes on to the next request ends all the same")]
    public async Task Should_close()
    {
        for (var time = 0; time < 200; time++)
        {
            var endpoint = HealthEndpoint.Start(AnyPort, () => default, () => default)!;
            var answered = GetAsync(endpoint, "live");
            if (time % 2 == 0)
            {
                await answered;
            }

            await Task.Run(endpoint.Dispose).WaitAsync(TimeSpan.FromSeconds(60));
            // Whether a request that came at the same time is still answered is left to chance.
            await answered.ContinueWith(_ => { }, TaskContinuationOptions.ExecuteSynchronously);
        }
    }

    [Fact(DisplayName = "A device node lives before it is ready: it is when it is a member and a server has answered")]
    public async Task Should_tell_of_a_device_node()
    {
        using var run = new StandInRun("splitfrozen.training.epochs=1", "akka.cluster.seed-node-timeout=1s", "akka.remote.retry-gate-closed-for=500ms");
        var seed = FreePort();
        var cluster = run.Settings.Cluster with { SeedNodes = [$"127.0.0.1:{seed}"] };
        var device = DeviceNodeHost.Start(
            new DeviceNodeOptions(cluster, new NodeProfile("only", null), run.Model, new DeviceData(run.Data, OwnFolder: false, Part: null), null, 2, 1, null), run.Akka);
        using var health = HealthEndpoint.Start(AnyPort, device.Live, device.Ready);
        var (alive, early) = (await GetAsync(health!, "live"), await GetAsync(health!, "ready"));
        var server = run.Server();
        var node = ServerNode.Start(server with { Settings = run.Settings with { Cluster = run.Settings.Cluster with { Port = seed } } }, run.Akka);
        await server.Result.WaitAsync(TimeSpan.FromSeconds(180));

        Assert.Equal((200, "alive\n"), alive);
        Assert.Equal(503, early.Code);
        Assert.Contains("this node is", early.Text, StringComparison.Ordinal);
        Assert.Equal((200, "this node is up\n"), await GetAsync(health!, "ready"));
        await Task.WhenAll(device.EndAsync(), node.EndAsync());
    }

    private static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    private static async Task<(int Code, string Text)> GetAsync(HealthEndpoint endpoint, string page)
    {
        using var response = await Http.GetAsync(new Uri($"http://127.0.0.1:{endpoint.Port}/{page}"));
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync());
    }
}
