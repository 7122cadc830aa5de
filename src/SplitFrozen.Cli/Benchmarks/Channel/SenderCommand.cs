using System.CommandLine;
using System.Text.Json;

using Akka.Actor;
using Akka.Cluster;

using SplitFrozen.Actors.Hosting;
using SplitFrozen.Actors.Security;
using SplitFrozen.Cli.Runs;

using ClusterSettings = SplitFrozen.Domain.Configuration.ClusterSettings;

namespace SplitFrozen.Cli.Benchmarks.Channel;

/// <summary>A sender's process, started by the benchmark and not by people: reads orders from its input, a JSON object a line, and answers each on its output.</summary>
internal static class SenderCommand
{
    /// <summary>Name on the command line.</summary>
    public const string Name = "bench-sender";

    /// <summary>The hidden command.</summary>
    public static Command Create()
    {
        var command = new Command(Name, "A sender of the benchmark of the activation channel.") { Hidden = true };
        var certificates = new Option<string>("--certificates") { Required = true };
        var seed = new Option<string?>("--seed-node");
        command.Options.Add(certificates);
        command.Options.Add(seed);
        command.SetAction(async (line, _) =>
        {
            await RunAsync(line.GetValue(certificates)!, line.GetValue(seed)).ConfigureAwait(false);
            return (int)ExitCode.Done;
        });
        return command;
    }

    private static async Task RunAsync(string certificates, string? seedNode)
    {
        using var identity = TlsIdentity.Load(BenchCertificates.Settings(certificates))!;
        using var system = seedNode is null ? null : await JoinAsync(seedNode).ConfigureAwait(false);
        await Console.Out.WriteLineAsync(system is null ? "ready" : $"{Cluster.Get(system).SelfAddress}").ConfigureAwait(false);
        var sender = new Sender(identity);
        while (await Console.In.ReadLineAsync().ConfigureAwait(false) is { } line)
        {
            // Blocking sockets want a thread of their own, not one of the pool that the cluster lives on.
            var report = await Task.Factory.StartNew(
                () => sender.Run(JsonSerializer.Deserialize<SenderOrder>(line, RunJson.Line)!), CancellationToken.None,
                TaskCreationOptions.LongRunning, TaskScheduler.Default).ConfigureAwait(false);
            await Console.Out.WriteLineAsync(JsonSerializer.Serialize(report, RunJson.Line)).ConfigureAwait(false);
        }
    }

    private static async Task<ActorSystem> JoinAsync(string seedNode)
    {
        var settings = new ClusterSettings(ControlPlane.SystemName, "127.0.0.1", 0, [seedNode]);
        var system = ControlPlane.Start(settings, "device");
        await Cluster.Get(system).JoinSeedNodesAsync([SeedNode.Parse(seedNode, settings.Name)]).ConfigureAwait(false);
        return system;
    }
}
