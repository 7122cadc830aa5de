using System.CommandLine;

using SplitFrozen.Cli.Allocation;
using SplitFrozen.Cli.Commands;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Simulation;

namespace SplitFrozen.Cli.Simulation;

/// <summary>The options of <c>simulate</c>.</summary>
internal sealed class SimulateOptions
{
    private readonly ConfigurationOptions _configuration;
    private readonly Option<int> _devices = Of("--devices", "N", "Devices of a made-up fleet, a node each", 1000);
    private readonly Option<int> _batches = Of("--batches", "N", "Global batches of a made-up epoch", 100);
    private readonly Option<int?> _batchSize = Of<int?>("--batch-size", "N", "Samples of a global batch (default: the configuration's; made-up fleet: the number of devices, at least 32)");
    private readonly Option<int?> _epochs = Of<int?>("--epochs", "N", "Passes over the data (default: the configuration's; made-up fleet: 1)");
    private readonly Option<string?> _shape = Of<string?>("--shape", "NAME", $"Model of a made-up fleet: {string.Join(", ", KnownShapes.Names)} (default: gpt2-small)");
    private readonly Option<string> _gigaFlops = Of("--gigaflops", "DIST", "10^9 operations a second of a node", "lognormal:40:0.8");
    private readonly Option<string?> _link = Of<string?>("--link", "DIST", "10^6 bits a second of a node's link (made-up fleet: lognormal:40:0.7; configured nodes: their own, or no time)");
    private readonly Option<string?> _latency = Of<string?>("--latency", "DIST", "One-way delay in milliseconds (made-up fleet: uniform:5:60; configured nodes: their own, or none)");
    private readonly Option<string?> _memory = Of<string?>("--memory", "DIST", "MiB of memory for frozen blocks (configured nodes: their own; else no limit)");
    private readonly Option<string> _samples = Of("--samples", "DIST", "How much data a device has, relative to the others", "1");
    private readonly Option<string> _length = Of("--length", "DIST", "Tokens of a sample", "lognormal:24:0.5");
    private readonly Option<string?> _fleet = Of<string?>("--fleet", "FILE", "Profiles and their changes from CSV: device,gigaflops,link_mbit,latency_ms,memory_mib,samples,time");
    private readonly Option<string?> _run = Of<string?>("--like", "RUN", "Configuration and placement of a finished run, whose time is set beside the predicted one; options change its settings");
    private readonly Option<double?> _serverGigaFlops = Of<double?>("--server-gigaflops", "G", "10^9 operations a second of each trainer stage and of catch-up (default: the configured server's, or 10000; with --like: what the run's trainer reached)");
    private readonly Option<int> _stages = Of("--stages", "P", "Trainer stages", 1);
    private readonly Option<bool> _shareServer = new("--share-server") { Description = "Catch-up and training take turns on one processor" };
    private readonly Option<double?> _step = Of<double?>("--step-ms", "MS", "Milliseconds of an optimiser step (default: 1; with --like: the run's mean)");
    private readonly Option<double?> _every = Of<double?>("--reallocate", "S", "Deal layers out anew every so many seconds (default: once)");
    private readonly Option<string[]> _crash = Many("--crash", "NODE@AT+BACK", "A node crashes at a second and is back after some; without +BACK it never is");
    private readonly Option<string[]> _slow = Many("--slow", "NODE@FROM-TO*F", "A node is F times slower between two seconds");
    private readonly Option<double> _crashRate = Of("--crash-rate", "N", "Crashes an hour of every node, at random", 0.0);
    private readonly Option<string> _down = Of("--down", "DIST", "Seconds that a random crash lasts", "exponential:30");
    private readonly Option<bool> _sweep = new("--sweep") { Description = "Compare all allocation policies, fixed and (with --reallocate) dealt out anew" };
    private readonly Option<bool> _json = new("--json") { Description = "Print JSON instead of tables" };

    /// <summary>Adds the options to a command.</summary>
    public SimulateOptions(Command command)
    {
        _configuration = new ConfigurationOptions(command, "local.conf")
            .Add(command, "--seed", "N", "splitfrozen.training.seed", "Seed of everything that is drawn")
            .Add(command, "--cut", "LAYER", "splitfrozen.model.cut", "The frozen line")
            .Add(command, "--policy", "NAME", "splitfrozen.allocation.policy", "How layers are dealt out")
            .Add(command, "--store", "MODE", "splitfrozen.store.mode", "Where the server keeps activations for later epochs: off, memory or disk")
            .Add(command, "--store-memory", "BYTES", "splitfrozen.store.memory-limit", "Most bytes that it keeps in memory, such as 1073741824 or 1GiB");
        foreach (var option in new Option[]
        {
            _devices, _batches, _batchSize, _epochs, _shape, _gigaFlops, _link, _latency, _memory, _samples, _length, _fleet, _run, _serverGigaFlops, _stages,
            _shareServer, _step, _every, _crash, _slow, _crashRate, _down, _sweep, _json,
        })
        {
            command.Options.Add(option);
        }
    }

    /// <summary>Reads a command line.</summary>
    /// <exception cref="UserErrorException">A value is out of range, or options do not go together.</exception>
    public SimulateRequest Read(ParseResult line)
    {
        Distribution? Optional(Option<string?> option) => line.GetValue(option) is { } text ? Distribution.Parse(option.Name, text) : null;
        Distribution Required(Option<string> option) => Distribution.Parse(option.Name, line.GetValue(option)!);
        CheckSources(line);
        var run = line.GetValue(_run) is { } folder ? RunRecord.Read(folder) : null;
        var request = new SimulateRequest(
            run is null ? _configuration.Load(line) : _configuration.LoadOver(line, run.Configuration), _configuration.NamesFile(line), run, line.GetValue(_fleet),
            line.GetValue(_devices), line.GetValue(_batches), line.GetValue(_batchSize), line.GetValue(_epochs), line.GetValue(_shape) ?? "gpt2-small",
            Required(_gigaFlops), Optional(_link), Optional(_latency), Optional(_memory), Required(_samples), Required(_length),
            new ServerRequest(line.GetValue(_serverGigaFlops) * 1e9, line.GetValue(_stages), line.GetValue(_shareServer), line.GetValue(_step) / 1000),
            line.GetValue(_every), line.GetValue(_crash)!, line.GetValue(_slow)!,
            line.GetValue(_crashRate) is var rate && rate > 0 ? new RandomCrashes(rate, Required(_down)) : null,
            line.GetValue(_sweep), line.GetValue(_json));
        Check(line, request);
        return request;
    }

    private void Check(ParseResult line, SimulateRequest request)
    {
        (string Name, double? Value, double Least)[] bounds =
        [
            ("--devices", request.Devices, 1), ("--batches", request.Batches, 1), ("--batch-size", request.BatchSize, 1), ("--epochs", request.Epochs, 1),
            ("--server-gigaflops", line.GetValue(_serverGigaFlops), 1e-6), ("--stages", request.Server.Stages, 1), ("--step-ms", line.GetValue(_step), 0),
            ("--reallocate", request.ReallocateEvery, 1e-3), ("--crash-rate", line.GetValue(_crashRate), 0),
        ];
        foreach (var (name, value, least) in bounds)
        {
            if (value is { } number && !(number >= least && double.IsFinite(number)))
            {
                throw new UserErrorException(FormattableString.Invariant($"{name} = {number} is not allowed: it must be at least {least}."));
            }
        }
    }

    /// <summary>Nodes come from one place, and no option is passed over.</summary>
    private void CheckSources(ParseResult line)
    {
        var (isLike, namesFile) = (line.GetValue(_run) is not null, _configuration.NamesFile(line));
        if (isLike && namesFile)
        {
            throw new UserErrorException("--like takes the configuration of the run; leave --config away, and change keys of the run's with --set.");
        }

        if (line.GetValue(_fleet) is not null && (isLike || namesFile))
        {
            throw new UserErrorException("--fleet describes other nodes than the configuration does; leave one of them away.");
        }

        if (line.GetValue(_fleet) is not null)
        {
            RefuseUnread(line, "--fleet gives the nodes", _devices, _gigaFlops, _link, _latency, _memory);
        }

        if (isLike || namesFile)
        {
            RefuseUnread(line, $"{(isLike ? "--like" : "--config")} gives model, data and devices", _devices, _batches, _shape, _samples, _length);
        }

        if (line.GetValue(_crashRate) == 0)
        {
            RefuseUnread(line, "without --crash-rate no crash is drawn", _down);
        }
    }

    /// <summary>What would be passed over in silence is refused.</summary>
    private static void RefuseUnread(ParseResult line, string reason, params IReadOnlyList<Option> options)
    {
        if (options.FirstOrDefault(option => line.GetResult(option) is { Implicit: false }) is { } given)
        {
            throw new UserErrorException($"{given.Name} would not be read: {reason}. Leave it away.");
        }
    }

    private static Option<T> Of<T>(string name, string value, string description) => new(name) { Description = description, HelpName = value };

    private static Option<T> Of<T>(string name, string value, string description, T otherwise)
    {
        var option = Of<T>(name, value, description);
        option.DefaultValueFactory = _ => otherwise;
        return option;
    }

    private static Option<string[]> Many(string name, string value, string description) => Of<string[]>(name, value, description + "; may be given many times", []);
}
