using System.Text.Json.Nodes;

using SplitFrozen.Cli.Runs;
using SplitFrozen.Cli.Tests.Support;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Configuration;

namespace SplitFrozen.Cli.Tests.Runs;

public sealed class RunFolderSpecs : IDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 11, 24, 5, 30, 12, TimeSpan.Zero);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Should_name_a_fresh_folder_after_time_and_method()
    {
        var run = Create(null);

        Assert.Equal(_folder.At("runs", "2026-11-24T05-30-12-splitfrozen"), run.Paths.Folder);
    }

    [Fact]
    public void Should_give_runs_of_the_same_second_folders_of_their_own()
    {
        var folders = Enumerable.Range(0, 16).AsParallel().WithDegreeOfParallelism(8).Select(_ => Create(null).Paths.Folder).ToList();

        Assert.Equal(16, folders.Distinct().Count());
        Assert.All(folders, f => Assert.True(File.Exists(Path.Combine(f, "config.conf"))));
        Assert.Equal(16, Directory.GetFileSystemEntries(_folder.At("runs")).Length);
    }

    [Fact]
    public void Should_hold_configuration_versions_and_partition_from_the_start()
    {
        var run = Create(_folder.At("deep", "below", "mine"));

        Assert.Equal("splitfrozen { }\n", File.ReadAllText(Path.Combine(run.Paths.Folder, "config.conf")));
        Assert.Equal("torch 1", Json(run, "versions.json")["torch"]!.GetValue<string>());
        Assert.Equal("dirichlet", Json(run, "partition.json")["spec"]!["kind"]!.GetValue<string>());
        Assert.Equal("ab12", Json(run, "partition.json")["result"]!["sha256"]!.GetValue<string>());
    }

    [Fact]
    public void Should_refuse_an_explicit_folder_that_exists_and_leave_it_alone()
    {
        Directory.CreateDirectory(_folder.At("mine"));

        var error = Assert.Throws<UserErrorException>(() => Create(_folder.At("mine")));

        Assert.Contains("exists", error.Message, StringComparison.Ordinal);
        Assert.Equal([_folder.At("mine")], Directory.GetFileSystemEntries(_folder.Path));
        Assert.Empty(Directory.GetFileSystemEntries(_folder.At("mine")));
    }

    [Fact]
    public void Should_say_so_where_no_folder_can_be_made()
    {
        var file = _folder.File("file", "");

        var error = Assert.Throws<UserErrorException>(() => Create(Path.Combine(file, "run")));

        Assert.Contains(file, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Should_write_the_summary_with_the_promised_names()
    {
        var run = Create(null);

        run.Write(Examples.Summary(), "text");

        var summary = Json(run, "summary.json").AsObject();
        string[] promised =
        [
            "method", "seed", "epochs", "cut", "accuracy_before", "accuracy_after", "validation_accuracy", "loss_first", "loss_last", "samples_trained",
            "samples_expected", "wall_seconds", "adapter_sha256", "devices",
        ];
        Assert.Subset(summary.Select(m => m.Key).ToHashSet(), promised.ToHashSet());
        string[] ofDevices = ["id", "layers", "samples", "forwarded", "flops", "bytes_sent", "busy_seconds"];
        Assert.Subset(summary["devices"]![0]!.AsObject().Select(m => m.Key).ToHashSet(), ofDevices.ToHashSet());
        Assert.Equal(0.802, summary["accuracy_after"]!.GetValue<double>());
        Assert.Equal("text", File.ReadAllText(Path.Combine(run.Paths.Folder, "summary.txt")));
    }

    [Fact]
    public void Should_leave_nothing_when_discarded()
    {
        var run = Create(null);

        run.Discard();

        Assert.Empty(Directory.GetFileSystemEntries(_folder.At("runs")));
    }

    private RunFolder Create(string? path) => RunFolder.Create(new RunSettings(path, _folder.At("runs")), "splitfrozen", Now, Examples.Start);

    private static JsonNode Json(RunFolder run, string name) => JsonNode.Parse(File.ReadAllText(Path.Combine(run.Paths.Folder, name)))!;
}
