using Akka.Configuration;
using Akka.Configuration.Hocon;

namespace SplitFrozen.Actors.Configuration;

/// <summary>
/// Walks the merged tree of a configuration. <see cref="Config"/>'s own getters look into the fallback where a value is an empty list, and answer
/// absent keys with defaults, so they are not used for splitfrozen's keys.
/// </summary>
internal static class HoconTree
{
    /// <summary>The children of a section, or none where the value is no section.</summary>
    public static IReadOnlyDictionary<string, HoconValue> Children(HoconValue? value) =>
        value is not null && value.IsObject() ? value.GetObject().Items : new Dictionary<string, HoconValue>();

    /// <summary>The value at a path of names, or null.</summary>
    public static HoconValue? Find(Config config, params IEnumerable<string> path)
    {
        var value = config.IsEmpty ? null : config.Root;
        foreach (var name in path)
        {
            value = Children(value).GetValueOrDefault(name);
        }

        return value;
    }

    /// <summary>Whether nothing was assigned, as by a value that a comment sign cuts off.</summary>
    public static bool IsUnset(HoconValue value) => value.Values.Count == 0;

    /// <summary>The items of a list, or null where the value is no list. An empty one does not count as a list with the parser.</summary>
    public static IReadOnlyList<HoconValue>? Items(HoconValue value) =>
        value.IsArray() ? [.. value.GetArray()]
            : value.Values.Count > 0 && value.Values.All(v => v is HoconArray { Count: 0 }) ? [] : null;
}
