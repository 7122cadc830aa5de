using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;

namespace SplitFrozen.Cluster.Tests.Support;

/// <summary>A user's folder with a small model, data and configuration, and the processes started in it; all go with the test.</summary>
internal sealed class Workplace : IDisposable
{
    private static readonly string[] Words = ["card", "lost", "pay", "bank", "late", "new", "help", "rate", "top", "up"];
    private static readonly string[] Subjects = ["dog", "sea", "sun"];

    private readonly List<SplitFrozenProcess> _processes = [];

    public Workplace(string settings = "", string akka = "")
    {
        Directory.CreateDirectory(At("data"));
        CopyFolder(Path.Combine(SplitFrozenProcess.Repository, "tests", "Fixtures", "stories260k"), At("model"));
        File.WriteAllText(At("data", "train.csv"), Rows(0, 96));
        File.WriteAllText(At("data", "test.csv"), Rows(96, 24));
        File.WriteAllText(Configuration, $$"""
            splitfrozen {
              model { path = "{{At("model")}}" }
              data { path = "{{At("data")}}", partition = iid, devices = 2 }
              training { epochs = 2, batch-size = 16, micro-batch-size = 8 }
              pipeline { grant-batches = 2, window = 2, unit-tokens = 128 }
              nodes = [{ name = a }, { name = b }]
              {{settings}}
            }
            akka.cluster { gossip-interval = 200ms, leader-actions-interval = 200ms }
            {{akka}}
            """);
    }

    /// <summary>The folder.</summary>
    public string Folder { get; } = Directory.CreateTempSubdirectory("splitfrozen-processes-").FullName;

    public string Configuration => At("small.conf");

    public string At(params string[] names) => Path.Combine([Folder, .. names]);

    /// <summary>Starts a command with the configuration.</summary>
    public SplitFrozenProcess Start(string command, params string[] arguments)
    {
        var process = SplitFrozenProcess.Start(Folder, [command, "--config", Configuration, .. arguments]);
        _processes.Add(process);
        return process;
    }

    /// <summary>Starts a device that joins a server.</summary>
    public SplitFrozenProcess StartDevice(string seed, string id, params string[] arguments) =>
        Start("device", ["--id", id, "--set", $"splitfrozen.cluster.seed-nodes=[\"{seed}\"]", .. arguments]);

    /// <summary>Starts a device node for shared data.</summary>
    public SplitFrozenProcess StartNode(string seed, string name, double gigaFlops) => Start(
        "device", "--set", $"splitfrozen.cluster.seed-nodes=[\"{seed}\"]", "--set", $"splitfrozen.device.profile.name={name}",
        "--set", string.Create(CultureInfo.InvariantCulture, $"splitfrozen.device.profile.gigaflops={gigaFlops}"));

    /// <summary>Runs a command that takes no configuration of a run.</summary>
    public async Task<(int Code, string Output)> RunBareAsync(params string[] arguments)
    {
        using var process = SplitFrozenProcess.Start(Folder, arguments);
        return (await process.ExitAsync(), process.Output);
    }

    /// <summary>Asks a running server for its status until it is as wanted.</summary>
    public async Task<JsonNode> StatusAsync(SplitFrozenProcess server, Func<JsonNode, bool> wanted)
    {
        var limit = Stopwatch.StartNew();
        var last = "";
        while (limit.Elapsed < TimeSpan.FromSeconds(180))
        {
            (var code, last) = await RunBareAsync("status", "--json");
            if (code == 0 && JsonNode.Parse(last) is { } status && wanted(status))
            {
                return status;
            }
        }

        throw new TimeoutException($"The status was not as awaited within {limit.Elapsed.TotalSeconds:0} s. The last was:\n{last}\nThe server printed:\n{server.Output}");
    }

    /// <summary>The events of a name in a run's metrics.</summary>
    public IReadOnlyList<JsonNode> Events(string run, string name) =>
        [.. File.ReadLines(At(run, "metrics.jsonl")).Select(line => JsonNode.Parse(line)!).Where(e => e["event"]!.GetValue<string>() == name)];

    /// <summary>Runs a command to its end.</summary>
    public async Task<(int Code, string Output)> RunAsync(string command, params string[] arguments)
    {
        var process = Start(command, arguments);
        var code = await process.ExitAsync();
        return (code, process.Output);
    }

    /// <summary>Starts a command that takes its configuration from a run, or none.</summary>
    public SplitFrozenProcess StartOwn(params string[] arguments)
    {
        var process = SplitFrozenProcess.Start(Folder, arguments);
        _processes.Add(process);
        return process;
    }

    /// <summary>Runs a command to its end that takes its configuration from a run, or none.</summary>
    public async Task<(int Code, string Output)> RunOwnAsync(params string[] arguments)
    {
        var process = StartOwn(arguments);
        return (await process.ExitAsync(), process.Output);
    }

    /// <summary>A run has the losses and the adapter's bytes of the same training in one process, and its ledger proves that each sample was trained once an epoch.</summary>
    public async Task AssertEqualAsync(string run)
    {
        var (alone, output) = await RunAsync("train", "--run", At("alone"), "--method", "cenlora", "--lora-from", "2");
        Assert.True(alone == 0, output);
        Assert.Equal(Losses("alone"), Losses(run));
        Assert.Equal(Summary<string>("alone", "adapter_sha256"), Summary<string>(run, "adapter_sha256"));
        Assert.Equal(Summary<long>(run, "samples_expected"), Summary<long>(run, "samples_trained"));
        var (proven, proof) = await RunOwnAsync("ledger", "check", At(run));
        Assert.True(proven == 0, proof);
    }

    /// <summary>The address of a server that was started on a free port.</summary>
    public static async Task<string> AddressAsync(SplitFrozenProcess server)
    {
        var line = await server.LineAsync(l => l.Contains("joined as server at", StringComparison.Ordinal));
        return line[(line.LastIndexOf(' ') + 1)..];
    }

    /// <summary>A figure of a run's summary.</summary>
    public T Summary<T>(string run, string name) => JsonNode.Parse(File.ReadAllText(At(run, "summary.json")))![name]!.GetValue<T>();

    /// <summary>The losses of a run's steps, as they are written: equal text is equal bits.</summary>
    public IReadOnlyList<string> Losses(string run) =>
    [
        .. File.ReadLines(At(run, "metrics.jsonl")).Select(line => JsonNode.Parse(line)!)
            .Where(e => e["event"]!.GetValue<string>() == "step_done").Select(e => e["score"]!["loss_sum"]!.ToJsonString()),
    ];

    /// <summary>A TCP port on loopback that nobody listens on.</summary>
    public static int FreePort()
    {
        var (listener, port) = TakePort();
        listener.Dispose();
        return port;
    }

    /// <summary>Takes a TCP port on loopback.</summary>
    public static (TcpListener Listener, int Port) TakePort()
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return (listener, ((IPEndPoint)listener.LocalEndpoint).Port);
    }

    public void Dispose()
    {
        _processes.ForEach(p => p.Dispose());
        Directory.Delete(Folder, recursive: true);
    }

    /// <summary>Sentences whose subject decides the label.</summary>
    private static string Rows(int first, int count)
    {
        var text = new StringBuilder("text,category\n");
        for (var row = first; row < first + count; row++)
        {
            var subject = Subjects[row % Subjects.Length];
            text.Append(CultureInfo.InvariantCulture, $"the {Words[row % 10]} {Words[row / 3 % 10]} {string.Concat(Enumerable.Repeat("and ", row % 5))}{subject},about_{subject}\n");
        }

        return text.ToString();
    }

    private static void CopyFolder(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.GetFiles(from))
        {
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        }
    }
}
