using Akka.Configuration;
using Akka.Configuration.Hocon;

using SplitFrozen.Domain;

namespace SplitFrozen.Actors.Configuration;

/// <summary>Refuses keys that splitfrozen.conf does not have, and names the nearest one that it has.</summary>
internal sealed class KnownKeys
{
    private const string Root = "splitfrozen";
    private const string Akka = "akka";
    private readonly HoconValue _defaults;
    private readonly List<string> _all = [];

    /// <summary>The keys of a configuration.</summary>
    public KnownKeys(Config defaults)
    {
        _defaults = HoconTree.Find(defaults, Root)!;
        Collect(_defaults, Root);
    }

    /// <summary>Throws <see cref="UserErrorException"/> at the first key that is not known.</summary>
    /// <param name="config">What a user wrote.</param>
    /// <param name="source">Where it stands, for the message.</param>
    public void Check(Config config, string source)
    {
        foreach (var (name, value) in HoconTree.Children(HoconTree.Find(config)))
        {
            if (name == Root)
            {
                Check(value, _defaults, Root, source);
            }
            else if (name != Akka)
            {
                throw new UserErrorException(
                    $"Unknown key {FirstLeaf(value, name)} in {source}: all keys start with \"splitfrozen.\".{Suggestion($"{Root}.{FirstLeaf(value, name)}")}");
            }
        }
    }

    private void Check(HoconValue value, HoconValue known, string path, string source)
    {
        if (!value.IsObject() && IsOpen(known))
        {
            throw new UserErrorException($"{path} in {source} is a section with names of your own and cannot be set to a value; write {path} {{ NAME = … }}.");
        }

        if (!value.IsObject())
        {
            throw new UserErrorException($"{path} in {source} is a section of keys and cannot be set to a value; set one of its keys: {Names(known)}.");
        }

        foreach (var (name, child) in HoconTree.Children(value))
        {
            var key = $"{path}.{name}";
            if (IsOpen(known) && !child.IsObject())
            {
                continue;
            }

            if (!HoconTree.Children(known).TryGetValue(name, out var knownChild))
            {
                throw new UserErrorException($"Unknown key {FirstLeaf(child, key)} in {source}.{Suggestion(FirstLeaf(child, key))}");
            }

            if (knownChild.IsObject())
            {
                Check(child, knownChild, key, source);
            }
            else if (child.IsObject())
            {
                throw new UserErrorException($"{key} in {source} takes a value, not a section of keys.");
            }
        }
    }

    /// <summary>A section that splitfrozen.conf leaves empty takes names of the user's own, each with a value.</summary>
    private static bool IsOpen(HoconValue known) => known.IsObject() && HoconTree.Children(known).Count == 0;

    private static string FirstLeaf(HoconValue value, string path) =>
        value.IsObject() && value.GetObject().Items.FirstOrDefault() is { Key: { } name, Value: { } child } ? FirstLeaf(child, $"{path}.{name}") : path;

    private static string Names(HoconValue section) => string.Join(", ", HoconTree.Children(section).Keys);

    private void Collect(HoconValue value, string path)
    {
        foreach (var (name, child) in HoconTree.Children(value))
        {
            _all.Add($"{path}.{name}");
            Collect(child, $"{path}.{name}");
        }
    }

    private string Suggestion(string key)
    {
        var ending = key[Root.Length..];
        var nearest = _all.Find(known => known.EndsWith(ending, StringComparison.Ordinal)) ?? _all.MinBy(known => Distance(key, known));
        return $" Did you mean {nearest}? All keys are explained in splitfrozen.conf.";
    }

    /// <summary>Edit distance (Levenshtein), computed row by row.</summary>
    private static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var substitution = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(substitution, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[b.Length];
    }
}
