namespace SplitFrozen.Model.Tests.Support;

/// <summary>A temporary folder that goes with the test.</summary>
internal sealed class TestFolder : IDisposable
{
    /// <summary>Where it is.</summary>
    public string Path { get; } = Directory.CreateTempSubdirectory("splitfrozen-model-").FullName;

    /// <summary>A copy of a folder's files.</summary>
    public static TestFolder CopyOf(string source)
    {
        var copy = new TestFolder();
        foreach (string file in Directory.GetFiles(source))
        {
            System.IO.File.Copy(file, copy.File(System.IO.Path.GetFileName(file)));
        }

        return copy;
    }

    /// <summary>A path in it.</summary>
    public string File(string name) => System.IO.Path.Combine(Path, name);

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(Path, recursive: true);
}
