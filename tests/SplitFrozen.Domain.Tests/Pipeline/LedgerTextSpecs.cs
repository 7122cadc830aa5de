using System.Text;

using FsCheck.Xunit;

using SplitFrozen.Domain.Pipeline;
using SplitFrozen.Domain.Tests.Support;
using SplitFrozen.Protocol;

using Xunit;

namespace SplitFrozen.Domain.Tests.Pipeline;

/// <summary>The ledger as a file, and what it proves.</summary>
[Properties(Arbitrary = [typeof(Drawn)])]
public sealed class LedgerTextSpecs
{
    [Property(DisplayName = "A ledger reads back as it was written")]
    public void Should_read_back(EpochSizes sizes)
    {
        LedgerRecord[] records = [.. Whole(sizes), new LedgerRecord.Removed(1, 0, [3, 1], true, "lost \"for\" good"), new LedgerRecord.Removed(1, 0, [2], false, "ä")];
        var reading = LedgerText.Read(Text(records));

        Assert.Null(reading.Fault);
        Assert.Equal(records.Select(LedgerText.Line), reading.Records.Select(LedgerText.Line));
    }

    [Property(DisplayName = "Cut off at any byte it reads up to the last whole line, and a changed byte is found")]
    public void Should_find_what_is_torn(EpochSizes sizes, ushort at)
    {
        var text = Text(Whole(sizes));
        var cut = 1 + (at % (text.Length - 1));
        var torn = LedgerText.Read(text.AsSpan(0, cut));

        Assert.True(torn.IsTail);
        Assert.Equal(torn.Bytes == cut, torn.Fault is null);
        Assert.Equal(1 + text.AsSpan(0, cut).LastIndexOf((byte)'\n'), torn.Bytes);

        text[cut] ^= 1;
        var changed = LedgerText.Read(text);
        Assert.NotNull(changed.Fault);
        Assert.InRange(changed.Bytes, 0, cut);
    }

    [Property(DisplayName = "An epoch trained by its plan is exact; with any step left out or done twice it is not")]
    public void Should_prove_exactly_once(EpochSizes sizes, ushort which)
    {
        var records = Whole(sizes).ToList();
        Assert.True(Assert.Single(LedgerCheck.Of(records)).IsExact);

        var step = records.OfType<LedgerRecord.Trained>().ElementAt(which % records.OfType<LedgerRecord.Trained>().Count());
        var without = Assert.Single(LedgerCheck.Of(records.Where(r => r != step)));
        Assert.False(without.IsExact);
        Assert.NotEmpty(without.Faults);

        var twice = Assert.Single(LedgerCheck.Of(records.SkipLast(1).Append(step with { Step = records.Count - 2 }).Append(records[^1])));
        Assert.Contains("and again in step", twice.Faults[0], StringComparison.Ordinal);
    }

    [Property(DisplayName = "Samples that are struck are missing with a reason; of an epoch that goes on the rest is not missing yet")]
    public void Should_tell_what_is_missing_and_why(EpochSizes sizes)
    {
        var records = Whole(sizes).ToList();
        var last = records.OfType<LedgerRecord.Trained>().Last();
        var begun = LedgerCheck.Of(records.Where(r => r != last && r is not LedgerRecord.Closed)).SingleOrDefault();
        Assert.Equal(begun is null ? 0 : last.Samples.Count, begun?.Pending ?? 0);
        Assert.Empty(begun?.Faults ?? []);

        var struck = last.Samples.GroupBy(s => s.Device).Select(d => new LedgerRecord.Removed(sizes.Epoch, d.Key, [.. d.Select(s => s.Index)], false, "lost"));
        var account = Assert.Single(LedgerCheck.Of(records.Where(r => r != last).SkipLast(1).Concat(struck).Append(records[^1])));
        Assert.False(account.IsExact);
        Assert.Empty(account.Faults);
        Assert.Equal(last.Samples.Count, account.Struck.Sum(s => s.Samples.Count));
        Assert.Equal(account.Samples, account.Trained + last.Samples.Count);
    }

    [Property(DisplayName = "What was put off is counted, and is no fault where it was trained later; after it was trained nothing can be put off")]
    public void Should_count_what_was_put_off(EpochSizes sizes)
    {
        var records = Whole(sizes).ToList();
        var last = records.OfType<LedgerRecord.Trained>().Last().Samples[^1];
        var putOff = new LedgerRecord.Removed(sizes.Epoch, last.Device, [last.Index], PutOff: true, "late");
        var account = Assert.Single(LedgerCheck.Of([records[0], putOff, putOff, .. records.Skip(1)]));
        Assert.Equal((true, 1L), (account.IsExact, account.PutOff));

        var late = Assert.Single(LedgerCheck.Of([.. records.SkipLast(1), putOff, records[^1]]));
        Assert.Contains("was put off though it had been trained", Assert.Single(late.Faults), StringComparison.Ordinal);
    }

    private static IEnumerable<LedgerRecord> Whole(EpochSizes sizes)
    {
        var plan = sizes.Plan();
        yield return new LedgerRecord.Drawn(sizes.Epoch, [.. sizes.Counts.Select((count, device) => new RosterEntry(new DeviceId($"device-{device}"), count))]);
        for (var batch = 0; batch < plan.Batches; batch++)
        {
            yield return new LedgerRecord.Trained(
                batch, sizes.Epoch, batch, [.. Enumerable.Range(0, plan.MicroBatches(batch)).Select(i => plan.MicroBatch(batch, i).Length)], [.. plan.Batch(batch)]);
        }

        yield return new LedgerRecord.Closed(sizes.Epoch);
    }

    private static byte[] Text(IEnumerable<LedgerRecord> records) => Encoding.UTF8.GetBytes(LedgerText.Header + string.Concat(records.Select(LedgerText.Line)));
}
