using Akka.Actor;

using SplitFrozen.Actors.Hosting;
using SplitFrozen.Actors.Security;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Runs;

using Xunit;

namespace SplitFrozen.Actors.Tests.Cluster;

/// <summary>With TLS on, a node is a server node only by its certificate.</summary>
[Collection(ClusterCollection.Name)]
public sealed class RoleSpecs : IDisposable
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(180);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("splitfrozen-roles-");
    private readonly CertificateAuthority _authority = new("run");

    public void Dispose()
    {
        _authority.Dispose();
        _folder.Delete(recursive: true);
    }

    [Fact(DisplayName = "A node that joins as a server node with a device's certificate is put out and named; one with a server's stays")]
    public async Task Should_put_out_an_impostor()
    {
        var refused = new TaskCompletionSource<RunEvent.ServerProblem>(TaskCreationOptions.RunContinuationsAsynchronously);
        var left = new TaskCompletionSource<RunEvent.NodeLeft>(TaskCreationOptions.RunContinuationsAsynchronously);
        var joined = new TaskCompletionSource<RunEvent.ServerJoined>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var run = new StandInRun([.. Tls(), "splitfrozen.pipeline.stages=2", "splitfrozen.start.servers=2", "splitfrozen.model.cut=2"])
        {
            OnEvent = e =>
            {
                _ = e switch
                {
                    RunEvent.ServerProblem problem => refused.TrySetResult(problem),
                    RunEvent.NodeLeft node => left.TrySetResult(node),
                    RunEvent.ServerJoined { Node: "honest" } server => joined.TrySetResult(server),
                    _ => false,
                };
            },
        };
        using var stop = new CancellationTokenSource();
        await using var main = ServerNode.Start(run.Server(stop.Token), run.Akka);
        var cluster = run.Settings.Cluster with { Port = 0, SeedNodes = [$"{main.Address.Host}:{main.Address.Port}"] };
        using var ours = Identity("server");
        await using var honest = Start(run, cluster, "honest", ours);
        await joined.Task.WaitAsync(Long);
        using var theirs = Identity("device");
        await using var impostor = Start(run, cluster, "impostor", theirs);

        var problem = await refused.Task.WaitAsync(Long);
        Assert.Equal("impostor", problem.Node);
        Assert.Contains("its certificate is not one of role server", problem.Problem, StringComparison.Ordinal);
        Assert.Equal("impostor", (await left.Task.WaitAsync(Long)).Node);
        Assert.DoesNotContain(run.Events, e => e is RunEvent.ServerJoined { Node: "impostor" });
        await impostor.System.WhenTerminated.WaitAsync(Long);
        stop.Cancel();
    }

    [Fact(DisplayName = "A node that joins as a server node and cannot be asked for its certificate is put out and named")]
    public async Task Should_put_out_who_shows_nothing()
    {
        var refused = new TaskCompletionSource<(string Node, string Problem)>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var run = new StandInRun("splitfrozen.pipeline.stages=2", "splitfrozen.start.servers=2", "splitfrozen.model.cut=2");
        using var stop = new CancellationTokenSource();
        await using var main = ServerNode.Start(run.Server(stop.Token), run.Akka);
        using var ours = Identity("server");
        Action<string, string> refuse = (node, problem) => refused.TrySetResult((node, problem));
        Action<Address> shown = node => refused.TrySetResult((node.ToString(), "it has shown a certificate"));
        main.System.ActorOf(Props.Create(() => new RoleGuardActor(ours, refuse, shown)));
        var cluster = run.Settings.Cluster with { Port = 0, SeedNodes = [$"{main.Address.Host}:{main.Address.Port}"] };

        // It speaks, and no TLS.
        await using var silent = Start(run, cluster, "silent", null);
        var told = await refused.Task.WaitAsync(Long);

        Assert.Equal("silent", told.Node);
        Assert.Contains("its certificate could not be looked at in 5 attempts", told.Problem, StringComparison.Ordinal);
        await silent.System.WhenTerminated.WaitAsync(Long);
        stop.Cancel();
    }

    private static StageNode Start(StandInRun run, ClusterSettings cluster, string name, TlsIdentity? identity) => StageNode.Start(
        new StageNodeOptions(cluster, new NodeProfile(name, null), run.Model, 1, "127.0.0.1", 0, run.Settings.Channel.MaxFrameBytes, identity, StartLimit: null), run.Akka);

    private TlsIdentity Identity(string role) => _authority.Identity(Issue(role));

    private (string Certificate, string Key) Issue(string role) => _authority.Issue(new CertificateOrder("node", role, ["127.0.0.1"], []));

    private string[] Tls()
    {
        var (certificate, key) = Issue("server");
        foreach (var (name, text) in new[] { ("certificate", certificate), ("key", key), ("ca", _authority.RootPem) })
        {
            File.WriteAllText(Path.Combine(_folder.FullName, name), text);
        }

        return
        [
            "splitfrozen.security.tls.enabled=on", $"splitfrozen.security.tls.certificate={_folder.FullName}/certificate",
            $"splitfrozen.security.tls.key={_folder.FullName}/key", $"splitfrozen.security.tls.ca={_folder.FullName}/ca",
        ];
    }
}
