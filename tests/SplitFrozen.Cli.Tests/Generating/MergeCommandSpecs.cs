using SplitFrozen.Cli.Tests.Support;
using SplitFrozen.Domain;

namespace SplitFrozen.Cli.Tests.Generating;

public sealed class MergeCommandSpecs : IDisposable
{
    private readonly ProgramUnderTest _program = new();

    public void Dispose() => _program.Dispose();

    [Fact]
    public async Task Should_merge_a_run_with_its_model_and_label_names()
    {
        var run = await RunAsync();

        Assert.Equal(ExitCode.Done, await _program.RunAsync("merge", run, "--out", "merged"));

        var (model, adapter, labels, output) = _program.Composition.Merged;
        Assert.EndsWith("tiny-gpt2", model, StringComparison.Ordinal);
        Assert.Equal((Path.Combine(run, "adapter"), "merged"), (adapter, output));
        Assert.Equal(["no", "yes"], labels);
    }

    [Fact]
    public async Task Should_merge_an_adapter_into_the_model_given()
    {
        var adapter = Path.Combine(await RunAsync(), "copy");
        Directory.CreateDirectory(adapter);
        File.WriteAllText(Path.Combine(adapter, "adapter_config.json"), "{}");

        Assert.Equal(ExitCode.Done, await _program.RunAsync("merge", adapter, "--model", "bundled:tiny-gpt2", "--out", "merged"));

        Assert.Empty(_program.Composition.Merged.Labels);
        Assert.Equal(adapter, _program.Composition.Merged.Adapter);
    }

    [Fact]
    public async Task Should_leave_label_names_out_where_the_data_is_gone()
    {
        _program.Composition.Labels = () => throw new UserErrorException("The data folder is gone.");

        Assert.Equal(ExitCode.Done, await _program.RunAsync("merge", await RunAsync(), "--out", "merged"));

        Assert.Empty(_program.Composition.Merged.Labels);
        Assert.Contains("The data folder is gone.", _program.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Should_need_a_place_to_write_to() => Assert.Equal(ExitCode.BadInput, await _program.RunAsync("merge", await RunAsync()));

    [Fact]
    public async Task Should_say_that_a_folder_is_neither_run_nor_adapter()
    {
        Assert.Equal(ExitCode.BadInput, await _program.RunAsync("merge", _program.At("nothing"), "--out", "merged"));

        Assert.Contains("is neither a run's folder", _program.Error, StringComparison.Ordinal);
    }

    private async Task<string> RunAsync()
    {
        await _program.TrainAsync();
        Directory.CreateDirectory(Path.Combine(_program.RunFolders[0], "adapter"));
        return _program.RunFolders[0];
    }
}
