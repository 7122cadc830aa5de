using System.Globalization;
using System.Text;

using SplitFrozen.Domain.Configuration;
using SplitFrozen.Model.Data;
using SplitFrozen.Model.Tests.Support;
using SplitFrozen.Model.Tokenizers;
using SplitFrozen.TestKit.Cluster;
using SplitFrozen.TestKit.Faults;

namespace SplitFrozen.Model.Tests.Kit;

/// <summary>The real small model takes the place of the test kit's stand-in.</summary>
public sealed class RealModelSpecs : IDisposable
{
    private static readonly string[] Subjects = ["dog", "sea", "sun"];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("splitfrozen-kit-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory(DisplayName = "The invariants hold with the real small model, under faults drawn at random")]
    [InlineData(1)]
    [InlineData(6)]
    [InlineData(8)]
    public async Task Should_hold_invariants(long seed)
    {
        File.WriteAllText(Path.Combine(_folder.FullName, "train.csv"), Rows(0, 48));
        File.WriteAllText(Path.Combine(_folder.FullName, "test.csv"), Rows(48, 12));
        var model = Repository.Fixture("stories260k");
        var run = await TestCluster.RunAsync(new TestClusterOptions
        {
            Model = HuggingFaceModel.Open(model),
            Data = new TextDataSource(_folder.FullName, new ColumnSettings("text", null, "category", null, null), TokenizerFolder.Open(model)),
            Servers = 2,
            Faults = FaultPlan.Random(seed, faults: 6, servers: 2),
        });

        Assert.NotEmpty(run.Struck);
        run.ShouldHoldInvariants();
    }

    /// <summary>Sentences whose subject decides the label.</summary>
    private static string Rows(int first, int count)
    {
        var text = new StringBuilder("text,category\n");
        for (var row = first; row < first + count; row++)
        {
            var subject = Subjects[row % Subjects.Length];
            text.Append(CultureInfo.InvariantCulture, $"once upon a time in {row} there was a {subject},about_{subject}\n");
        }

        return text.ToString();
    }
}
