using SplitFrozen.Domain;
using SplitFrozen.Model.Blocks;

namespace SplitFrozen.Model.Lora;

/// <summary>Which linear modules of a block carry adapters; names match by suffix, as in peft: <c>c_proj</c> means both of GPT-2's.</summary>
internal static class LoraTargets
{
    /// <summary>The modules of a block that the names point to.</summary>
    /// <exception cref="UserErrorException">A name points to none.</exception>
    public static IReadOnlyList<(string Name, Projection Module)> Select(Block block, IReadOnlyList<string> names)
    {
        var all = block.Projections().ToArray();
        if (names.FirstOrDefault(name => !all.Any(entry => Matches(entry.Name, name))) is { } unknown)
        {
            string existing = string.Join(", ", all.Select(entry => entry.Name.Split('.')[^1]).Distinct());
            throw new UserErrorException($"splitfrozen.lora.targets names '{unknown}', which this model does not have. It has: {existing}.");
        }

        return [.. all.Where(entry => names.Any(name => Matches(entry.Name, name)))];
    }

    private static bool Matches(string module, string name) =>
        module == name || module.EndsWith("." + name, StringComparison.Ordinal);
}
