using System.CommandLine;
using System.CommandLine.Invocation;

using SplitFrozen.Cli.Allocation;
using SplitFrozen.Cli.Benchmarks;
using SplitFrozen.Cli.Certificates;
using SplitFrozen.Cli.Benchmarks.Channel;
using SplitFrozen.Cli.Benchmarks.Memory;
using SplitFrozen.Cli.Composing;
using SplitFrozen.Cli.Doctoring;
using SplitFrozen.Cli.Experiments;
using SplitFrozen.Cli.Generating;
using SplitFrozen.Cli.Ledgers;
using SplitFrozen.Cli.Operating;
using SplitFrozen.Cli.Partitions;
using SplitFrozen.Cli.Schedules;
using SplitFrozen.Cli.Simulation;
using SplitFrozen.Domain.Configuration;

namespace SplitFrozen.Cli.Commands;

/// <summary>The program's command line.</summary>
internal static class CommandTree
{
    /// <summary>Runs a command line.</summary>
    public static async Task<ExitCode> RunAsync(CliEnvironment environment, IReadOnlyList<string> arguments, TextWriter output, TextWriter error)
    {
        try
        {
            var line = Build(environment).Parse(arguments);
            var code = await line.InvokeAsync(new InvocationConfiguration
            {
                Output = output,
                Error = error,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,
            }).ConfigureAwait(false);
            return line.Action is ParseErrorAction ? ExitCode.BadInput : (ExitCode)code;
        }
        catch (Exception e)
        {
            return Failures.Report(environment.Error, e, null);
        }
    }

    private static RootCommand Build(CliEnvironment environment)
    {
        var root = new RootCommand("Fine-tunes language models on private data of many devices: devices run frozen layers forward, the server trains LoRA adapters.")
        {
            Train(environment),
            Server(environment),
            Device(environment),
            Eval(environment),
            Doctor(environment),
            GenerateCommand.Create(environment),
            LedgerCommand.Create(environment),
            MergeCommand.Create(environment),
            CertsCommand.Create(environment),
            AllocationCommand.Create(environment),
            BenchCommand.Create(environment),
            DrainCommand.Create(environment),
            ExperimentCommand.Create(environment),
            MemoryCommand.Create(environment),
            PartitionCommand.Create(environment),
            ScheduleCommand.Create(environment),
            SenderCommand.Create(),
            SimulateCommand.Create(environment),
            StatusCommand.Create(environment),
        };
        return root;
    }

    private static Command Train(CliEnvironment environment)
    {
        var command = new Command("train", "Train on this machine: one server node and the device nodes of splitfrozen.nodes, joined over TCP on loopback.");
        var options = TrainingOptions(command, "local.conf")
            .Add(command, "--method", "NAME", "splitfrozen.training.method", "Training method: splitfrozen, cenlora, fedlora or splitlora")
            .Add(command, "--lora-from", "LAYER", "splitfrozen.training.lora-from", "First layer with adapters, for cenlora");
        SetTraining(environment, command, options, environment.Composition.OpenTraining);
        return command;
    }

    private static Command Server(CliEnvironment environment)
    {
        var command = new Command(
            "server", "Start the server node of a run over several processes or machines, and wait for devices; or, with --join, a further server node that holds trainer stages of another's run, or, with --standby, one that takes over when the server is lost.");
        var options = TrainingOptions(command, "server.conf")
            .Add(command, "--method", "NAME", "splitfrozen.training.method", "Training method: splitfrozen, fedlora or splitlora");
        var join = new Option<string?>("--join")
        {
            Description = "Hold trainer stages for the main server whose control plane is there (splitfrozen.cluster.seed-nodes, with cluster.port = 0 unless --set says otherwise)",
            HelpName = "HOST:PORT",
        };
        var standby = new Option<string?>("--standby")
        {
            Description = "Stand by for the server of the run in this folder, and take the run over when that server is lost (splitfrozen.cluster.seed-nodes names it)",
            HelpName = "RUN",
        };
        command.Options.Add(join);
        command.Options.Add(standby);
        SetTraining(environment, command, options, environment.Composition.OpenServer, async line =>
            line.GetValue(join) is { } main
                ? await DeviceCommand.RunStagesAsync(environment, () => options.Load(line, "splitfrozen.cluster.port=0", $"splitfrozen.cluster.seed-nodes=[\"{main}\"]")).ConfigureAwait(false)
            : line.GetValue(standby) is { } run ? await StandbyCommand.RunAsync(environment, run, own => options.LoadOver(line, own, StandbyCommand.Setting)).ConfigureAwait(false)
            : null);
        return command;
    }

    /// <param name="environment">What to work with.</param>
    /// <param name="command">The command.</param>
    /// <param name="options">Its options.</param>
    /// <param name="open">Opens its run.</param>
    /// <param name="instead">Does something else where the command line says so; else gives null.</param>
    private static void SetTraining(
        CliEnvironment environment, Command command, ConfigurationOptions options, Func<Settings, ITrainingRun> open,
        Func<ParseResult, Task<ExitCode?>>? instead = null)
    {
        var resume = new Option<string?>("--resume")
        {
            Description = "Go on with the run in this folder, from its last checkpoint and with its configuration",
            HelpName = "RUN",
        };
        command.Options.Add(resume);
        var replay = new Option<string?>("--replay")
        {
            Description = "Train in the order that the ledger of the run in this folder tells, with its configuration, to the same bytes",
            HelpName = "RUN",
        };
        command.Options.Add(replay);
        command.Validators.Add(line =>
        {
            if (line.GetValue(resume) is not null && line.GetValue(replay) is not null)
            {
                line.AddError("--resume and --replay exclude each other: a replay that was stopped is resumed with --resume and its own folder.");
            }
        });
        command.SetAction(async (line, _) =>
            instead is not null && await instead(line).ConfigureAwait(false) is { } code ? (int)code
            : (int)await (line.GetValue(resume) is { } run
                ? TrainingCommand.ResumeAsync(environment, run, own => options.LoadOver(line, own), open)
                : line.GetValue(replay) is { } recorded
                ? TrainingCommand.ReplayAsync(environment, recorded, (own, more) => options.LoadOver(line, own, more), open)
                : TrainingCommand.RunAsync(environment, () => options.Load(line), open)).ConfigureAwait(false));
    }

    private static Command Device(CliEnvironment environment)
    {
        var command = new Command("device", "Start a device node and join a server's run.");
        var options = new ConfigurationOptions(command, "device.conf")
            .Add(command, "--id", "ID", "splitfrozen.device.id", "Id of the device that this process hosts")
            .Add(command, "--method", "NAME", "splitfrozen.training.method", "Training method of the run: splitfrozen, fedlora or splitlora");
        command.SetAction(async (line, _) => (int)await DeviceCommand.RunAsync(environment, () => options.Load(line)).ConfigureAwait(false));
        return command;
    }

    private static Command Eval(CliEnvironment environment)
    {
        var command = new Command("eval", "Score a run's adapter on the evaluation and validation sets of its configuration.");
        var folder = new Argument<string>("RUN") { Description = "A run's folder" };
        var json = JsonOption();
        var set = new Option<string[]>("--set")
        {
            Description = "A setting other than the run's, such as splitfrozen.evaluation.exact-match-limit=200; may be given many times",
            HelpName = "KEY=VALUE",
            DefaultValueFactory = _ => [],
        };
        command.Arguments.Add(folder);
        command.Options.Add(json);
        command.Options.Add(set);
        command.SetAction((line, _) => Task.FromResult((int)EvalCommand.Run(environment, line.GetValue(folder)!, line.GetValue(set)!, line.GetValue(json))));
        return command;
    }

    private static Command Doctor(CliEnvironment environment)
    {
        var command = new Command("doctor", "Check this machine, the configuration, the model and the data, and say how to mend what is broken.");
        var options = new ConfigurationOptions(command, "local.conf");
        var json = JsonOption();
        command.Options.Add(json);
        command.SetAction((line, _) => Task.FromResult((int)DoctorCommand.Run(environment, () => options.Load(line), line.GetValue(json))));
        return command;
    }

    private static ConfigurationOptions TrainingOptions(Command command, string defaultFile) =>
        new ConfigurationOptions(command, defaultFile)
            .Add(command, "--run", "DIR", "splitfrozen.run.path", "Folder of the run, which must not exist; without it each run gets a fresh one")
            .Add(command, "--seed", "N", "splitfrozen.training.seed", "Seed of everything that is drawn");

    private static Option<bool> JsonOption() => new("--json") { Description = "Print JSON instead of a table" };
}
