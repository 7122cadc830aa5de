using Akka.Actor;

using SplitFrozen.Domain;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Protocol.Messages;
using SplitFrozen.TestKit.Faults;
using SplitFrozen.TestKit.StandIn;

using Xunit;

namespace SplitFrozen.Actors.Tests.Cluster;

/// <summary>Trainer stages on several server nodes: equality with one stage, placement, loss of a node.</summary>
[Collection(ClusterCollection.Name)]
public sealed class ServerSpecs
{
    private static readonly string[] Common = ["splitfrozen.model.cut=2", "splitfrozen.training.micro-batch-size=3", "splitfrozen.training.checkpoint-steps=5"];

    [Theory(DisplayName = "Stages on several server nodes give the losses, scores, checkpoints and adapter bytes of one stage")]
    [InlineData(2, "[{ name = second }]", "zb-h1")]
    [InlineData(4, "[{ name = second }, { name = third }]", "zb-h1")]
    [InlineData(3, "[{ name = second, link-megabits = 200, link-latency = 1ms }, { name = third }]", "1f1b")]
    public async Task Should_equal_one_stage(int stages, string nodes, string schedule)
    {
        using var run = Run(_ => { }, $"splitfrozen.pipeline.stages={stages}", $"splitfrozen.server.nodes={nodes}", $"splitfrozen.pipeline.schedule={schedule}");
        using var loop = Run(_ => { });
        var summary = await run.OnClusterAsync();
        var reference = loop.InOneProcess();

        Assert.Equal(loop.Losses, run.Losses);
        Assert.Equal(loop.AdapterBytes(), run.AdapterBytes());
        Assert.Equal(reference.TrainableParameters, summary.TrainableParameters);
        Assert.Equal((reference.AccuracyAfter, reference.LossAfter, reference.ValidationAccuracy), (summary.AccuracyAfter, summary.LossAfter, summary.ValidationAccuracy));
        Assert.Equal(Optimizer(loop), Optimizer(run));
        Assert.Equal(run.Settings.Start.Servers, run.Events.OfType<RunEvent.StagePlaced>().Select(p => p.Node).Distinct().Count());
        Assert.Empty(run.Events.OfType<RunEvent.ServerProblem>());
    }

    [Fact(DisplayName = "With TLS on, several server nodes train over certified links, to the losses and bytes of one process")]
    public async Task Should_train_over_tls()
    {
        using var files = new CertificateFiles();
        using var run = Run(_ => { }, ["splitfrozen.pipeline.stages=2", "splitfrozen.server.nodes=[{ name = second }]", "splitfrozen.training.epochs=1", .. files.Settings]);
        using var loop = Run(_ => { }, "splitfrozen.training.epochs=1");
        await run.OnClusterAsync();
        loop.InOneProcess();

        Assert.Equal(["server", "second"], run.Events.OfType<RunEvent.StagePlaced>().Select(p => p.Node));
        Assert.Equal(loop.Losses, run.Losses);
        Assert.Equal(loop.AdapterBytes(), run.AdapterBytes());
        Assert.Empty(run.Events.OfType<RunEvent.ServerProblem>());
        Assert.Empty(run.Events.OfType<RunEvent.ChannelRefused>());
    }

    [Fact(DisplayName = "A slower server node gets fewer blocks")]
    public async Task Should_follow_capacity()
    {
        using var run = Run(
            _ => { }, "splitfrozen.pipeline.stages=2", "splitfrozen.server.profile.gigaflops=0.01", "splitfrozen.server.nodes=[{ name = second, gigaflops = 0.05 }]",
            "splitfrozen.training.epochs=1");
        await run.OnClusterAsync();

        Assert.Equal(
            [new RunEvent.StagePlaced(0, 2, 3, "server"), new RunEvent.StagePlaced(1, 3, 6, "second")], run.Events.OfType<RunEvent.StagePlaced>());
        Assert.All(run.Events.OfType<RunEvent.ServerJoined>(), s => Assert.InRange(s.FlopsPerSecond, 1, s.Node == "server" ? 1e7 : 5e7));
    }

    [Theory(DisplayName = "Stages of a lost server node are placed again and the run ends with the same bytes")]
    [InlineData("any", "server")]
    [InlineData("spare", "second")]
    public async Task Should_survive_a_lost_server(string takeOver, string heir)
    {
        ServerFleet? fleet = null;
        var killed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var run = Run(
            c =>
            {
                // In the middle of a global batch, on the node's own thread: what it sends next goes nowhere.
                if (c is { Blocks.To: 6, Operation: "B" } && Volatile.Read(ref fleet) is not null && killed.TrySetResult())
                {
                    fleet!.KillAsync("second");
                }
            },
            [.. ServerFleet.QuickLoss, "splitfrozen.pipeline.stages=2", "splitfrozen.start.servers=2", $"splitfrozen.server.take-over={takeOver}"]);
        using var loop = Run(_ => { });
        await using (fleet = new ServerFleet(run))
        {
            fleet.Start("second");
            await killed.Task.WaitAsync(TimeSpan.FromSeconds(180));
            if (heir == "second")
            {
                fleet.Start("second");
            }

            var summary = await fleet.Result.WaitAsync(TimeSpan.FromSeconds(90));
            loop.InOneProcess();

            Assert.Equal(loop.Losses, run.Losses);
            Assert.Equal(loop.AdapterBytes(), run.AdapterBytes());
            Assert.Equal(summary.SamplesExpected, summary.SamplesTrained);
            Assert.Equal(["server", "second", heir], run.Events.OfType<RunEvent.StagePlaced>().Select(p => p.Node));
            Assert.Contains(run.Events.OfType<RunEvent.ServerProblem>(), p => p.Node == "second" && p.Problem.StartsWith("was lost", StringComparison.Ordinal));
        }
    }

    [Fact(DisplayName = "A lost server node that says only now that it is connected changes nothing")]
    public async Task Should_not_count_the_lost()
    {
        Action connect = () => Assert.Fail("lost before it was arranged");
        Action<IActorRef, IActorRef, int> arranged = (coordinator, ghost, layout) => connect = () => coordinator.Tell(new ServerEvents.Connected(layout), ghost);
        using var run = new StandInRun([.. Common, "splitfrozen.pipeline.stages=2", "splitfrozen.start.servers=2", "splitfrozen.server.take-over=any"])
        {
            Model = new StandInModel(layers: 6),

            // The coordinator's own thread: it comes to this message before anything that a stage tells.
            OnEvent = e =>
            {
                if (e is RunEvent.ServerProblem { Node: "ghost" })
                {
                    connect();
                }
            },
        };
        using var loop = Run(_ => { });
        await using var fleet = new ServerFleet(run);
        fleet.MainSystem.ActorOf(Props.Create(() => new GhostServerActor(run.Model.Fingerprint, arranged)));
        await fleet.Result.WaitAsync(StandInRun.Limit);
        loop.InOneProcess();

        Assert.Equal(["server", "ghost", "server"], run.Events.OfType<RunEvent.StagePlaced>().Select(p => p.Node));
        Assert.Equal(loop.Losses, run.Losses);
        Assert.Equal(loop.AdapterBytes(), run.AdapterBytes());
    }

    [Fact(DisplayName = "While no server node takes over, the run waits and says for what; then it ends with what was trained")]
    public async Task Should_give_up_without_a_server()
    {
        ServerFleet? fleet = null;
        var steps = 0;
        using var run = Run(
            c =>
            {
                if (c is { Blocks.To: 6, Operation: "Step" } && ++steps == 7)
                {
                    fleet!.KillAsync("second");
                }
            },
            [.. ServerFleet.QuickLoss, "splitfrozen.pipeline.stages=2", "splitfrozen.start.servers=2", "splitfrozen.server.take-over=spare", "splitfrozen.server.lost-after=8s"]);
        await using (fleet = new ServerFleet(run))
        {
            fleet.Start("second");
            var error = await Assert.ThrowsAsync<RunFailedException>(() => fleet.Result.WaitAsync(TimeSpan.FromSeconds(90)));

            Assert.Equal(RunFailure.Broken, error.Failure);
            Assert.Contains("No server node took over stage 1 within 8 s (splitfrozen.server.lost-after)", error.Message, StringComparison.Ordinal);
            Assert.Contains(run.Events.OfType<RunEvent.Waiting>(), w => w.For.StartsWith("a server node to take over stage 1", StringComparison.Ordinal));
            Assert.EndsWith($"step-{run.Losses.Count():00000000}", Directory.GetDirectories(run.Paths.Checkpoints).Max(), StringComparison.Ordinal);
            Assert.NotEmpty(run.AdapterBytes());
        }
    }

    [Fact(DisplayName = "A server node that computes with another number of threads is refused, with the remedy")]
    public async Task Should_refuse_other_threads()
    {
        using var run = Run(_ => { }, "splitfrozen.pipeline.stages=2", "splitfrozen.start.servers=2");
        await using var fleet = new ServerFleet(run);
        var error = await Assert.ThrowsAsync<UserErrorException>(() => fleet.Start("second", threads: 2).Ended.WaitAsync(TimeSpan.FromSeconds(180)));

        Assert.Contains("splitfrozen.training.threads", error.Message, StringComparison.Ordinal);
    }

    private static byte[] Optimizer(StandInRun run) =>
        File.ReadAllBytes(Assert.Single(Directory.GetFiles(Directory.GetDirectories(run.Paths.Checkpoints).Max()!, "optimizer*")));

    private static StandInRun Run(Action<StageCall> before, params string[] settings) => new([.. Common, .. settings])
    {
        Model = new InterceptedModel(new StandInModel(layers: 6), before),
    };
}
