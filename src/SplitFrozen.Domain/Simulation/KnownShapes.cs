using SplitFrozen.Domain.Models;

namespace SplitFrozen.Domain.Simulation;

/// <summary>Sizes of published models, for simulations that have no model folder at hand.</summary>
public static class KnownShapes
{
    private static readonly Dictionary<string, ModelShape> Shapes = new(StringComparer.Ordinal)
    {
        ["gpt2-small"] = new(ModelFamily.Gpt2, 12, 768, 12, 12, 64, 3072, 50257, 1024, true, 4),
        ["smollm2-135m"] = new(ModelFamily.Llama, 30, 576, 9, 3, 64, 1536, 49152, 8192, true, 2),
        ["llama-3.2-1b"] = new(ModelFamily.Llama, 16, 2048, 32, 8, 64, 8192, 128256, 131072, true, 2),
        ["llama-3.2-3b"] = new(ModelFamily.Llama, 28, 3072, 24, 8, 128, 8192, 128256, 131072, true, 2),
    };

    /// <summary>Their names.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Shapes.Keys];

    /// <summary>The sizes of a model.</summary>
    /// <exception cref="UserErrorException">The name is not known.</exception>
    public static ModelShape Find(string name) => Shapes.GetValueOrDefault(name)
        ?? throw new UserErrorException($"--shape = {name} is not known: it must be one of {string.Join(", ", Names)}. Other models are simulated from their folder, with --config.");
}
