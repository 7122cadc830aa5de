using SplitFrozen.Model.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Lora;

/// <summary>
/// Start values as in peft and Hugging Face: A from the uniform distribution of Kaiming's rule with a = √5, that is within ±1/√in; B zero; a
/// head from a normal distribution. Each tensor's values are a pure function of the seed and its name.
/// </summary>
internal static class StartValues
{
    /// <summary>Draws A [r, in].</summary>
    public static void FillA(Trainable a, long seed)
    {
        using var generator = Generator(seed, a.Name);
        using var scope = NewDisposeScope();
        double bound = 1 / Math.Sqrt(a.Value.shape[1]);
        a.Value.copy_(torch.empty(a.Value.shape).uniform_(-bound, bound, generator));
    }

    /// <summary>Draws a head [K, D].</summary>
    public static void FillHead(Trainable head, double deviation, long seed)
    {
        using var generator = Generator(seed, head.Name);
        using var scope = NewDisposeScope();
        head.Value.copy_(torch.empty(head.Value.shape).normal_(0, deviation, generator));
    }

    // On the CPU whatever the compute device, so that every device starts from the same numbers.
    private static Generator Generator(long seed, string name) =>
        new(StableHash.Combine(StableHash.Mix((ulong)seed), name), CPU);
}
