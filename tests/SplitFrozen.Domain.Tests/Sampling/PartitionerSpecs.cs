using FsCheck.Xunit;

using SplitFrozen.Domain.Sampling;
using SplitFrozen.Domain.Tests.Support;
using SplitFrozen.Protocol;

using Xunit;

namespace SplitFrozen.Domain.Tests.Sampling;

/// <summary>How rows are spread over devices.</summary>
[Properties(Arbitrary = [typeof(Drawn)])]
public sealed class PartitionerSpecs
{
    private const int Labels = 10;

    [Property(DisplayName = "Each used row is one device's or held out, and rows are ascending")]
    public void Should_give_each_row_once(SpreadRows rows)
    {
        var partition = rows.Split();

        var all = partition.Devices.Append(partition.Validation).ToList();
        Assert.Equal(rows.Spec.Devices, partition.Devices.Count);
        Assert.Equal(rows.Used, all.Sum(p => p.Length));
        Assert.Equal(rows.Used, all.SelectMany(p => p).Distinct().Count());
        Assert.All(all.SelectMany(p => p), row => Assert.InRange(row, 0, rows.Labels.Length - 1));
        Assert.All(all, p => Assert.Equal(p.Order(), p));
    }

    [Property(DisplayName = "The same specification gives the same partition")]
    public void Should_be_a_pure_function(SpreadRows rows)
    {
        var (first, second) = (rows.Split(), rows.Split());

        Assert.Equal(first.Validation, second.Validation);
        Assert.Equal(first.Devices, second.Devices);
        Assert.Equal(PartitionSummary.Of(first, rows.Labels).Sha256, PartitionSummary.Of(second, rows.Labels).Sha256);
    }

    [Property(DisplayName = "The held-out rows are the share that was asked for, and the same for every partitioner")]
    public void Should_hold_out_the_same_rows_for_all(SpreadRows rows)
    {
        var partition = rows.Split();
        var iid = rows with { Spec = rows.Spec with { Kind = PartitionKind.Iid, Devices = 1 } };

        Assert.Equal((int)Math.Round(rows.Used * rows.Spec.ValidationShare, MidpointRounding.AwayFromZero), partition.Validation.Length);
        Assert.Equal(iid.Split().Validation, partition.Validation);
    }

    [Property(DisplayName = "IID parts are equal to a row")]
    public void Should_deal_equal_shares(SpreadRows rows)
    {
        var sizes = (rows with { Spec = rows.Spec with { Kind = PartitionKind.Iid } }).Split().Devices.Select(d => d.Length).ToList();

        Assert.InRange(sizes.Max() - sizes.Min(), 0, 1);
    }

    [Property(DisplayName = "A device of a pathological partition has at most k labels")]
    public void Should_bound_labels(SpreadRows rows)
    {
        var partition = (rows with { Spec = rows.Spec with { Kind = PartitionKind.Pathological } }).Split();

        Assert.All(partition.Devices, d => Assert.InRange(d.Select(r => rows.Labels[r]).Distinct().Count(), 0, rows.Spec.LabelsPerDevice));
    }

    [Property(DisplayName = "No device of a Dirichlet partition is left without a row, however uneven")]
    public void Should_leave_no_device_empty(SpreadRows rows) =>
        Assert.All(
            ((PartitionKind[])[PartitionKind.Dirichlet, PartitionKind.Balanced]).SelectMany(kind => (rows with { Spec = rows.Spec with { Kind = kind } }).Split().Devices),
            Assert.NotEmpty);

    [Property(DisplayName = "No device of a balanced partition has more than its even share and the rows of one label")]
    public void Should_close_a_device_with_its_even_share(SpreadRows rows)
    {
        var partition = (rows with { Spec = rows.Spec with { Kind = PartitionKind.Balanced } }).Split();

        var given = partition.Devices.SelectMany(d => d).ToList();
        var label = given.GroupBy(r => rows.Labels[r]).Max(g => g.Count());
        Assert.All(partition.Devices, d => Assert.InRange(d.Length, 1, (given.Count / rows.Spec.Devices) + label));
    }

    [Theory(DisplayName = "Quantity skew gives devices unequal amounts of the overall label mix")]
    [InlineData(0.1, 300, 2000)]
    [InlineData(1e6, 0, 40)]
    public void Should_skew_amounts_only(double alpha, int least, int most)
    {
        foreach (var seed in Enumerable.Range(0, 5))
        {
            var summary = Summary(Spec(PartitionKind.Quantity) with { Alpha = alpha, Seed = seed });
            var sizes = summary.Devices.Select(d => d.Samples).ToList();

            Assert.InRange(sizes.Max() - sizes.Min(), least, most);
            Assert.All(summary.Devices.Where(d => d.Samples > 300), d => Assert.InRange(d.Distance, 0, 0.15));
        }
    }

    [Theory(DisplayName = "Label mixes differ the more, the smaller alpha is")]
    [InlineData(1e-3, 0.5, 1.0)]
    [InlineData(0.1, 0.3, 1.0)]
    [InlineData(1e6, 0, 0.05)]
    public void Should_spread_by_alpha(double alpha, double least, double most)
    {
        foreach (var kind in (PartitionKind[])[PartitionKind.Dirichlet, PartitionKind.Balanced])
        {
            var distances = Enumerable.Range(0, 5).SelectMany(seed => Distances(Spec(kind) with { Alpha = alpha, Seed = seed }));

            Assert.InRange(distances.Average(), least, most);
        }
    }

    [Fact(DisplayName = "Seeds give partitions of their own")]
    public void Should_differ_between_seeds()
    {
        foreach (var kind in Enum.GetValues<PartitionKind>())
        {
            var hashes = Enumerable.Range(0, 10).Select(seed => Summary(Spec(kind) with { Seed = seed }).Sha256);
            Assert.Equal(10, hashes.Distinct().Count());
        }
    }

    [Fact(DisplayName = "Fewer rows than devices are refused with both keys")]
    public void Should_refuse_fewer_rows_than_devices()
    {
        var error = Assert.Throws<UserErrorException>(() => Partitioner.Split(3, [0, 1, 0], Spec(PartitionKind.Iid)));

        Assert.Contains("3 training rows for 4 devices", error.Message, StringComparison.Ordinal);
        Assert.Contains("splitfrozen.data.devices", error.Message, StringComparison.Ordinal);
    }

    [Theory(DisplayName = "Rows without labels cannot be spread by label")]
    [InlineData(PartitionKind.Dirichlet)]
    [InlineData(PartitionKind.Balanced)]
    [InlineData(PartitionKind.Pathological)]
    public void Should_need_labels(PartitionKind kind)
    {
        var error = Assert.Throws<UserErrorException>(() => Partitioner.Split(100, [], Spec(kind)));

        Assert.Contains("splitfrozen.data.partition = iid", error.Message, StringComparison.Ordinal);
    }

    [Fact(DisplayName = "Too few labels a device are refused: rows would be lost")]
    public void Should_not_lose_labels()
    {
        var error = Assert.Throws<UserErrorException>(() => Summary(Spec(PartitionKind.Pathological) with { LabelsPerDevice = 2 }));

        Assert.Contains("splitfrozen.data.labels-per-device to 3", error.Message, StringComparison.Ordinal);
    }

    [Fact(DisplayName = "The summary counts rows and labels")]
    public void Should_summarise()
    {
        var summary = PartitionSummary.Of(new Partition([[0, 1], [2]], [3]), [7, 7, 8, 9]);

        Assert.Equal((1, 2), (summary.Validation, summary.Devices.Count));
        Assert.Equal((2, 1), (summary.Devices[0].Samples, summary.Devices[0].Labels));
        Assert.Equal(1.0 / 3, summary.Devices[0].Distance, 12);
        Assert.Equal((1, 1), (summary.Devices[1].Samples, summary.Devices[1].Labels));
        Assert.Equal(2.0 / 3, summary.Devices[1].Distance, 12);
    }

    private static PartitionSpec Spec(PartitionKind kind) => new(kind, 4, 0.1, 3, 0.1, 0, 1);

    private static PartitionSummary Summary(PartitionSpec spec)
    {
        int[] labels = [.. Enumerable.Range(0, 2000).Select(i => i % Labels)];
        return PartitionSummary.Of(Partitioner.Split(labels.Length, labels, spec), labels);
    }

    private static IEnumerable<double> Distances(PartitionSpec spec) => Summary(spec).Devices.Select(d => d.Distance);
}
