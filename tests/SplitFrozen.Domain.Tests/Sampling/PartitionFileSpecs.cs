using FsCheck.Xunit;

using SplitFrozen.Domain.Sampling;
using SplitFrozen.Domain.Tests.Support;

using Xunit;

namespace SplitFrozen.Domain.Tests.Sampling;

/// <summary>Partitions in files.</summary>
[Properties(Arbitrary = [typeof(Drawn)])]
public sealed class PartitionFileSpecs : IDisposable
{
    private readonly string _file = Path.GetTempFileName();

    public void Dispose() => File.Delete(_file);

    [Property(DisplayName = "What is written is read", MaxTest = 30)]
    public void Should_read_what_it_wrote(SpreadRows rows)
    {
        var partition = rows.Split();
        if (partition.Devices.Any(d => d.Length == 0))
        {
            return;
        }

        File.WriteAllBytes(_file, PartitionFile.Of(partition, rows.Labels.Length, rows.Labels).ToBytes());
        var (read, hash) = PartitionFile.Read(_file, rows.Labels.Length, rows.Labels);

        Assert.Equal(partition.Devices, read.Partition.Devices);
        Assert.Equal(partition.Validation, read.Partition.Validation);
        Assert.Equal(64, hash.Length);
    }

    [Fact(DisplayName = "A file for other data is refused")]
    public void Should_notice_other_data()
    {
        File.WriteAllBytes(_file, PartitionFile.Of(new Partition([[0], [1]], [2]), 3, [5, 6, 7]).ToBytes());

        Assert.Contains("for 3 training rows, and there are 4", Error(4, [5, 6, 7, 8]), StringComparison.Ordinal);
        Assert.Contains("with other labels", Error(3, [5, 6, 8]), StringComparison.Ordinal);
    }

    [Theory(DisplayName = "A malformed file is refused with its name and the key")]
    [InlineData("{", "cannot be read")]
    [InlineData("null", "is no partition file")]
    [InlineData("{\"format\":\"x\",\"rows\":2,\"labels_sha256\":\"\",\"validation\":[],\"devices\":[[0]]}", "is no partition file")]
    [InlineData("{\"format\":\"splitfrozen-partition-1\",\"rows\":2,\"labels_sha256\":\"HASH\",\"validation\":[0],\"devices\":[[0]]}", "names a row twice")]
    [InlineData("{\"format\":\"splitfrozen-partition-1\",\"rows\":2,\"labels_sha256\":\"HASH\",\"validation\":[],\"devices\":[[2]]}", "outside 0 to 1")]
    [InlineData("{\"format\":\"splitfrozen-partition-1\",\"rows\":2,\"labels_sha256\":\"HASH\",\"validation\":[],\"devices\":[[0],[]]}", "without rows")]
    [InlineData("{\"format\":\"splitfrozen-partition-1\",\"rows\":2,\"labels_sha256\":\"HASH\",\"validation\":null,\"devices\":[[0]]}", "cannot be read")]
    public void Should_refuse_malformed_files(string text, string what)
    {
        File.WriteAllText(_file, text.Replace("HASH", PartitionFile.Of(new Partition([], []), 2, [1, 1]).LabelsSha256, StringComparison.Ordinal));

        var message = Error(2, [1, 1]);
        Assert.Contains(what, message, StringComparison.Ordinal);
        Assert.Contains(_file, message, StringComparison.Ordinal);
        Assert.Contains("splitfrozen.data.partition-file", message, StringComparison.Ordinal);
    }

    private string Error(int rows, int[] labels) => Assert.Throws<UserErrorException>(() => PartitionFile.Read(_file, rows, labels)).Message;
}
