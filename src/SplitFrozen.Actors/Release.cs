using System.Reflection;

namespace SplitFrozen.Actors;

/// <summary>The program's release, by which people tell nodes of different versions apart.</summary>
internal static class Release
{
    /// <summary>This build's, such as 0.1.0.</summary>
    public static string Current { get; } =
        typeof(Release).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0]
        ?? typeof(Release).Assembly.GetName().Version?.ToString() ?? "unknown";
}
