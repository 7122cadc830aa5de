namespace SplitFrozen.Model.Tests.Support;

/// <summary>Files of the repository that tests read, found upward from the test's own folder.</summary>
internal static class Repository
{
    private static readonly string _root = FindRoot();

    /// <summary>The bundled model.</summary>
    public static string TinyGpt2 { get; } = Path.Combine(_root, "assets", "models", "tiny-gpt2");

    /// <summary>The bundled data.</summary>
    public static string Banking77 { get; } = Path.Combine(_root, "assets", "data", "banking77");

    /// <summary>A file or folder of tests/Fixtures.</summary>
    public static string Fixture(params string[] parts) => Path.Combine([_root, "tests", "Fixtures", .. parts]);

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (Directory.Exists(Path.Combine(folder.FullName, "tests", "Fixtures")))
            {
                return folder.FullName;
            }
        }

        throw new DirectoryNotFoundException($"No folder above {AppContext.BaseDirectory} holds tests/Fixtures.");
    }
}
