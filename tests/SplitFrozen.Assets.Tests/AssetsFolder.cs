namespace SplitFrozen.Assets.Tests;

/// <summary>The folder of inputs that do not stand in the repository.</summary>
internal static class AssetsFolder
{
    private const string Variable = "SPLITFROZEN_ASSETS";

    /// <summary>A file or folder in it; throws, and so fails the test, where it is not there.</summary>
    public static string Find(params string[] parts)
    {
        var root = Environment.GetEnvironmentVariable(Variable);
        if (string.IsNullOrEmpty(root))
        {
            throw new InvalidOperationException($"Set {Variable} to the folder of test inputs; the README beside this project lists what it holds.");
        }

        var path = Path.Combine([root, .. parts]);
        return Path.Exists(path)
            ? path
            : throw new InvalidOperationException($"{path} is missing: {Variable} is {root}, and the README beside this project lists what that folder holds.");
    }
}
