using Akka.Configuration;
using Akka.Configuration.Hocon;

namespace SplitFrozen.Actors.Configuration;

/// <summary>A key that two configurations have different values for.</summary>
/// <param name="Key">The key.</param>
/// <param name="Before">Its value in the first.</param>
/// <param name="After">Its value in the second.</param>
public sealed record ConfigurationChange(string Key, string Before, string After)
{
    private const string Root = "splitfrozen";
    private const string Unset = "(unset)";

    /// <summary>
    /// Keys, and sections, that a run may be resumed under other values of. Where things lie and who speaks to whom; what changes when things are done and not what is
    /// computed; what is only told. What model and data are is checked by their fingerprints. A key that is not listed counts as one that decides the result.
    /// </summary>
    private static readonly string[] _harmless =
    [
        "model.path", "data.path", "evaluation", "training.checkpoint-steps", "training.checkpoint-keep", "training.mix-alarm", "pipeline.window", "pipeline.stages",
        "pipeline.schedule", "pipeline.pending-w", "channel.host", "channel.port", "channel.credits", "channel.max-frame-bytes", "server", "security", "cluster", "start.limit",
        "start.servers", "device", "nodes", "allocation", "run", "control", "health",
    ];

    /// <summary>Whether the result is the same under both values.</summary>
    public bool IsHarmless { get; private init; }

    /// <summary>The differences between two configurations in splitfrozen's keys, in the order of the keys.</summary>
    public static IReadOnlyList<ConfigurationChange> Between(Config before, Config after)
    {
        var (first, second) = (Leaves(before), Leaves(after));

        // Stored activations are exact in fp32: then it does not matter which are stored.
        var isStoreExact = first.GetValueOrDefault("store.codec") == "fp32" && second.GetValueOrDefault("store.codec") == "fp32";
        return
        [
            .. first.Keys.Union(second.Keys).Order(StringComparer.Ordinal)
                .Select(key => (Key: key, Before: first.GetValueOrDefault(key, Unset), After: second.GetValueOrDefault(key, Unset)))
                .Where(c => c.Before != c.After)
                .Select(c => new ConfigurationChange($"{Root}.{c.Key}", c.Before, c.After)
                {
                    IsHarmless = Array.Exists(_harmless, h => IsWithin(c.Key, h)) || (isStoreExact && IsWithin(c.Key, "store")),
                }),
        ];
    }

    private static bool IsWithin(string key, string section) => key == section || key.StartsWith(section + ".", StringComparison.Ordinal);

    private static Dictionary<string, string> Leaves(Config config)
    {
        var leaves = new Dictionary<string, string>(StringComparer.Ordinal);
        Collect(HoconTree.Find(HoconSource.Parse(SettingsReader.Render(config), "the configuration"), Root), "", leaves);
        return leaves;
    }

    private static void Collect(HoconValue? section, string path, Dictionary<string, string> leaves)
    {
        foreach (var (name, value) in HoconTree.Children(section))
        {
            if (value.IsObject())
            {
                Collect(value, $"{path}{name}.", leaves);
            }
            else
            {
                leaves[path + name] = HoconWriter.Inline(value);
            }
        }
    }
}
