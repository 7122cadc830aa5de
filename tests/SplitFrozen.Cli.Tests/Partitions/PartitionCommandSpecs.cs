using SplitFrozen.Cli.Tests.Support;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Sampling;

namespace SplitFrozen.Cli.Tests.Partitions;

public sealed class PartitionCommandSpecs : IDisposable
{
    private readonly ProgramUnderTest _program = new();

    public void Dispose() => _program.Dispose();

    [Fact]
    public async Task Should_write_the_rows_and_show_who_has_how_many()
    {
        var file = _program.At("rows.json");

        Assert.Equal(ExitCode.Done, await _program.RunAsync("partition", "--out", file, "--set", "splitfrozen.data.partition=quantity"));

        var (read, _) = PartitionFile.Read(file, 4, [0, 1, 0, 1]);
        Assert.Equal([[1, 2], [0]], read.Devices);
        Assert.Equal([3], read.Validation);
        Assert.Contains("0.500", _program.Output, StringComparison.Ordinal);
        Assert.Contains("ab12", _program.Output, StringComparison.Ordinal);
        Assert.Equal(TrainingMethods.CenLora, _program.Composition.Opened!.Training.Method);
    }

    [Fact]
    public async Task Should_say_where_it_cannot_write()
    {
        Assert.Equal(ExitCode.BadInput, await _program.RunAsync("partition", "--out", _program.At("missing", "rows.json")));
        Assert.Contains("Choose another place with --out", _program.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Should_leave_the_rows_in_a_run_folder()
    {
        Assert.Equal(ExitCode.Done, await _program.TrainAsync());

        var (read, hash) = PartitionFile.Read(Path.Combine(Assert.Single(_program.RunFolders), "partition-rows.json"), 4, [0, 1, 0, 1]);
        Assert.Equal((2, 64), (read.Devices.Length, hash.Length));
    }
}
