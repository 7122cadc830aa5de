using System.Text.Json.Nodes;

using SplitFrozen.Cli.Tests.Support;
using SplitFrozen.Domain.Pipeline;
using SplitFrozen.Domain.Sampling;

namespace SplitFrozen.Cli.Tests.Commands;

public sealed class LedgerCommandSpecs : IDisposable
{
    private static readonly LedgerRecord Drawn = new LedgerRecord.Drawn(0, [new RosterEntry(Examples.Board, 1), new RosterEntry(Examples.Phone, 2)]);
    private static readonly LedgerRecord First = new LedgerRecord.Trained(0, 0, 0, [2], [new PlanSample(1, 1), new PlanSample(0, 0)]);
    private static readonly LedgerRecord Second = new LedgerRecord.Trained(1, 0, 1, [1], [new PlanSample(1, 0)]);
    private static readonly LedgerRecord Struck = new LedgerRecord.Removed(0, 1, [0], false, "its node was lost");
    private static readonly LedgerRecord Closed = new LedgerRecord.Closed(0);

    private readonly ProgramUnderTest _program = new();

    public void Dispose() => _program.Dispose();

    [Fact]
    public async Task Should_prove_a_whole_run()
    {
        Assert.Equal(ExitCode.Done, await CheckAsync([Drawn, First, Second, Closed]));

        Assert.Contains("exactly once in each epoch", _program.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Should_list_what_is_missing_and_why()
    {
        Assert.Equal(ExitCode.LedgerIncomplete, await CheckAsync([Drawn, First, Struck, Closed]));

        Assert.Contains("1 samples of phone struck: its node was lost (0)", _program.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Should_tell_of_a_run_that_was_cut_off()
    {
        Assert.Equal(ExitCode.LedgerIncomplete, await CheckAsync([Drawn, First], "01ab"));

        Assert.Contains("The last line was cut off", _program.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Should_find_doubled_and_missing_samples_and_damage()
    {
        Assert.Equal(ExitCode.LedgerBroken, await CheckAsync([Drawn, First, First, Closed]));
        Assert.Equal(ExitCode.LedgerBroken, await CheckAsync([Drawn, First, Closed]));
        Assert.Contains("sample 0 of phone was not trained, and nothing says why", _program.Output, StringComparison.Ordinal);
        Assert.Equal(ExitCode.LedgerBroken, await CheckAsync([Drawn, First], "damaged\n" + LedgerText.Line(Closed)));
    }

    [Fact]
    public async Task Should_print_json()
    {
        await CheckAsync([Drawn, First, Struck, Closed], "", "--json");

        var json = JsonNode.Parse(_program.Output)!;
        Assert.False(json["exact"]!.GetValue<bool>());
        Assert.Equal("phone", json["epochs"]![0]!["struck"]![0]!["device"]!.GetValue<string>());
        Assert.Equal(2, json["epochs"]![0]!["trained"]!.GetValue<int>());
    }

    [Fact]
    public async Task Should_refuse_a_folder_without_a_ledger()
    {
        Assert.Equal(ExitCode.BadInput, await _program.RunAsync("ledger", "check", _program.At("nowhere")));

        Assert.Contains("has no ledger.txt", _program.Error, StringComparison.Ordinal);
    }

    private Task<ExitCode> CheckAsync(IEnumerable<LedgerRecord> records, string tail = "", params string[] more)
    {
        _program.File("ledger.txt", LedgerText.Header + string.Concat(records.Select(LedgerText.Line)) + tail);
        return _program.RunAsync(["ledger", "check", _program.At(), .. more]);
    }
}
