using System.Globalization;

using SplitFrozen.Domain.Sampling;

namespace SplitFrozen.Cli.Benchmarks.Compute;

/// <summary>
/// Token lengths of MRPC's training pairs with GPT-2's tokenizer, both sentences joined by a space. Only the lengths are shipped, not the text.
/// </summary>
internal static class LengthHistogram
{
    private const string Resource = "SplitFrozen.Cli.Benchmarks.Compute.mrpc-lengths.csv";

    /// <summary>Lengths in the proportions of the data, in a random order that is a function of the seed, as many as fit into a token budget.</summary>
    public static int[] Draw(int tokens, long seed)
    {
        var all = Read();
        var random = SeededRandom.For(seed, "lengths");
        var drawn = new List<int>();
        var next = all[random.Below(all.Count)];
        for (var left = tokens; next <= left; next = all[random.Below(all.Count)])
        {
            drawn.Add(next);
            left -= next;
        }

        return [.. drawn];
    }

    private static List<int> Read()
    {
        using var stream = typeof(LengthHistogram).Assembly.GetManifestResourceStream(Resource)
            ?? throw new InvalidOperationException($"The program lacks its resource {Resource}.");
        using var reader = new StreamReader(stream);
        var lengths = new List<int>();
        foreach (var line in reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1))
        {
            var cells = line.Split(',');
            lengths.AddRange(Enumerable.Repeat(int.Parse(cells[0], CultureInfo.InvariantCulture), int.Parse(cells[1], CultureInfo.InvariantCulture)));
        }

        return lengths;
    }
}
