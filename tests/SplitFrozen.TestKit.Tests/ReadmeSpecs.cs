using Xunit;

namespace SplitFrozen.TestKit.Tests;

/// <summary>The kit's README keeps to what is there.</summary>
public sealed class ReadmeSpecs
{
    [Fact(DisplayName = "The suite that the README gives to copy is the one that runs here")]
    public void Should_show_the_suite_that_runs()
    {
        var readme = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "README.md")).ReplaceLineEndings("\n");
        var suite = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "SampleSuite.cs")).ReplaceLineEndings("\n");

        Assert.Contains($"```csharp\n{suite.Trim()}\n```", readme, StringComparison.Ordinal);
    }
}
