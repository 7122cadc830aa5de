using SplitFrozen.Domain;

namespace SplitFrozen.Actors.Configuration;

/// <summary>Finds what is shipped beside the program's assembly, wherever it was started from, and makes paths absolute.</summary>
public static class BundledAssets
{
    private const string Prefix = "bundled:";

    /// <summary>A shipped configuration file, such as local.conf.</summary>
    public static string Configuration(string name) => Path.Combine(AppContext.BaseDirectory, "hocon", name);

    /// <summary>The model or data folder that a setting names.</summary>
    /// <param name="key">The setting, for messages.</param>
    /// <param name="path"><c>bundled:NAME</c>, or a path: looked for from the current directory, then from the program's.</param>
    /// <param name="kind">Folder of the shipped assets: <c>models</c> or <c>data</c>.</param>
    public static string Folder(string key, string path, string kind)
    {
        if (!path.StartsWith(Prefix, StringComparison.Ordinal))
        {
            return Resolve(path);
        }

        var root = Path.Combine(AppContext.BaseDirectory, "assets", kind);
        var folder = Path.Combine(root, path[Prefix.Length..]);
        if (Path.GetFileName(folder) == path[Prefix.Length..] && Directory.Exists(folder))
        {
            return folder;
        }

        var there = (Directory.Exists(root) ? Directory.GetDirectories(root) : []).Select(d => Prefix + Path.GetFileName(d)).Order(StringComparer.Ordinal);
        throw new UserErrorException($"{key} = {path} names nothing that is shipped with the program. Shipped are: {string.Join(", ", there)}.");
    }

    /// <summary>Where a model of that name would be shipped.</summary>
    public static string Model(string name) => Path.Combine(AppContext.BaseDirectory, "assets", "models", name);

    /// <summary>Makes a path absolute: from the current directory, or, where nothing is there, from the program's if something is there.</summary>
    public static string Resolve(string path)
    {
        var here = Path.GetFullPath(path);
        var shipped = Path.GetFullPath(path, AppContext.BaseDirectory);
        return !Path.Exists(here) && Path.Exists(shipped) ? shipped : here;
    }

    /// <summary>Whether a setting names something shipped.</summary>
    public static bool IsBundled(string path) => path.StartsWith(Prefix, StringComparison.Ordinal);
}
