using System.Text.Json.Nodes;

using SplitFrozen.Cli.Tests.Support;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Evaluation;
using SplitFrozen.Domain.Runs;

namespace SplitFrozen.Cli.Tests.Commands;

public sealed class TrainingCommandSpecs : IDisposable
{
    private readonly ProgramUnderTest _program = new();

    public void Dispose() => _program.Dispose();

    [Fact]
    public async Task Should_train_and_leave_a_whole_run_folder()
    {
        Assert.Equal(ExitCode.Done, await _program.TrainAsync());

        var folder = Assert.Single(_program.RunFolders);
        string[] files = ["config.conf", "identity.json", "metrics.jsonl", "partition-rows.json", "partition.json", "run.log", "summary.json", "summary.txt", "versions.json"];
        Assert.Equal(files, Directory.GetFiles(folder).Select(Path.GetFileName).Order());
        Assert.Contains("0.802 after training", File.ReadAllText(Path.Combine(folder, "summary.txt")), StringComparison.Ordinal);
        Assert.Contains("0.802 after training", _program.Output, StringComparison.Ordinal);
        Assert.Contains("A remark.", _program.Output, StringComparison.Ordinal);
        Assert.Empty(_program.Error);
    }

    [Fact]
    public async Task Should_use_the_shipped_local_configuration_where_none_is_named()
    {
        await _program.TrainAsync();

        Assert.Equal(4, _program.Composition.Opened!.Nodes.Count);
        Assert.False(_program.Composition.IsServer);
    }

    [Fact]
    public async Task Should_let_short_forms_stand_for_their_settings()
    {
        var run = _program.At("a", "run");

        await _program.RunAsync(
            "train", "--set", "splitfrozen.training.seed=1", "--seed", "9", "--model", "m", "--data", "d", "--run", run, "--method", "cenlora", "--lora-from", "4");

        var settings = _program.Composition.Opened!;
        Assert.Equal((9L, "cenlora", 4), (settings.Training.Seed, settings.Training.Method, settings.Training.LoraFrom));
        Assert.Equal((Path.GetFullPath("m"), Path.GetFullPath("d"), run), (settings.Model.Path, settings.Data.Path, settings.Run.Path));
        Assert.True(File.Exists(Path.Combine(run, "summary.json")));
    }

    [Fact]
    public async Task Should_read_a_configuration_file()
    {
        var file = _program.File("my.conf", "splitfrozen { training.epochs = 3, nodes = [{ name = a }] }");

        await _program.TrainAsync("--config", file);

        Assert.Equal((3, "a"), (_program.Composition.Opened!.Training.Epochs, _program.Composition.Opened.Nodes[0].Name));
    }

    [Fact]
    public async Task Should_open_a_servers_run_for_the_server_command()
    {
        Assert.Equal(ExitCode.Done, await _program.RunAsync("server", "--run", _program.At("server")));

        Assert.True(_program.Composition.IsServer);
        Assert.Equal(4053, _program.Composition.Opened!.Cluster.Port);
    }

    [Fact]
    public async Task Should_leave_no_folder_when_the_inputs_are_bad()
    {
        _program.Composition.OnOpen = _ => throw new UserErrorException("The model folder x does not exist.");

        Assert.Equal(ExitCode.BadInput, await _program.TrainAsync());

        Assert.Equal($"error: The model folder x does not exist.{Environment.NewLine}", _program.Error);
        Assert.Empty(_program.RunFolders);
    }

    [Fact]
    public async Task Should_leave_no_folder_when_a_port_turns_out_to_be_in_use()
    {
        _program.Composition.OnRun = _ => throw new UserErrorException("The port is in use.");

        Assert.Equal(ExitCode.BadInput, await _program.TrainAsync());

        Assert.Empty(_program.RunFolders);
    }

    [Fact]
    public async Task Should_tell_a_run_that_never_started()
    {
        _program.Composition.OnRun = _ => throw new RunFailedException(RunFailure.NotStarted, "Only 1 of 4 devices joined.");

        Assert.Equal(ExitCode.NotStarted, await _program.TrainAsync());

        Assert.Contains("Only 1 of 4 devices joined.", _program.Error, StringComparison.Ordinal);
        Assert.Empty(_program.RunFolders);
    }

    [Fact]
    public async Task Should_keep_the_folder_of_a_training_that_failed()
    {
        _program.Composition.OnRun = _ => throw new RunFailedException(RunFailure.Broken, "Device a was lost.");

        Assert.Equal(ExitCode.TrainingFailed, await _program.TrainAsync());

        var folder = Assert.Single(_program.RunFolders);
        Assert.Contains("Device a was lost.", _program.Error, StringComparison.Ordinal);
        Assert.Contains(Path.GetFileName(folder), _program.Error.ReplaceLineEndings(""), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Should_keep_a_fault_of_its_own_in_the_log_and_off_the_screen()
    {
        _program.Composition.OnRun = _ => throw new InvalidOperationException("a bug");

        Assert.Equal(ExitCode.InternalFailure, await _program.TrainAsync());

        var log = File.ReadAllText(Path.Combine(Assert.Single(_program.RunFolders), "run.log"));
        Assert.Contains("   at ", log, StringComparison.Ordinal);
        Assert.Contains("a bug", _program.Error, StringComparison.Ordinal);
        Assert.Contains("run.log", _program.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", _program.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Should_stop_in_order_when_asked()
    {
        _program.Composition.OnRun = async host =>
        {
            _program.Stop.Request();
            var stopped = new TaskCompletionSource();
            await using var registration = host.Stop.Register(stopped.SetResult);
            await stopped.Task;
            return Examples.Summary(completed: false);
        };

        Assert.Equal(ExitCode.Stopped, await _program.TrainAsync());

        Assert.Contains("finishing the batch at hand", _program.Output, StringComparison.Ordinal);
        Assert.Contains("Stopped", _program.Output, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(Assert.Single(_program.RunFolders), "summary.json")));
    }

    [Fact]
    public async Task Should_refuse_a_run_folder_that_exists()
    {
        var folder = Directory.CreateDirectory(_program.At("mine")).FullName;

        Assert.Equal(ExitCode.BadInput, await _program.RunAsync("train", "--run", folder));

        Assert.Contains("exists", _program.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(folder));
    }

    [Fact]
    public async Task Should_write_a_configuration_that_starts_the_same_run_again()
    {
        await _program.TrainAsync("--seed", "9", "--set", "splitfrozen.data.columns.label=#1 label");
        var first = _program.Composition.Opened!;

        await _program.RunAsync("train", "--config", Path.Combine(_program.RunFolders[0], "config.conf"));

        Assert.Equivalent(first, _program.Composition.Opened, strict: true);
        Assert.Equal(2, _program.RunFolders.Count);
    }

    [Fact]
    public async Task Should_answer_questions_after_training_only_where_asked()
    {
        _program.Composition.Answered = new ExactMatchScore(2, 8);

        await _program.TrainAsync();
        Assert.Equal(0, _program.Composition.Answerings);
        await _program.TrainAsync("--set", "splitfrozen.evaluation.exact-match-after-training=on");

        var summary = JsonNode.Parse(File.ReadAllText(Path.Combine(_program.RunFolders.Order(StringComparer.Ordinal).Last(), "summary.json")))!;
        Assert.Equal((0.25, 8), (summary["exact_match"]!.GetValue<double>(), summary["exact_match_rows"]!.GetValue<int>()));
        Assert.Contains("Exact match", _program.Output, StringComparison.Ordinal);
    }
}
