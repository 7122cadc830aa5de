using SplitFrozen.Domain.Sampling;
using TorchSharp;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Tests.Support;

/// <summary>Random numbers in tensors.</summary>
internal static class RandomNumbers
{
    /// <summary>Fills a tensor with numbers within ±<paramref name="bound"/> that are a function of a name.</summary>
    public static void Fill(Tensor tensor, string name, double bound)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var random = SeededRandom.For(1, name);
        float[] numbers = [.. Enumerable.Range(0, (int)tensor.numel()).Select(_ => (float)(bound * ((2 * random.NextDouble()) - 1)))];
        tensor.copy_(torch.tensor(numbers).view(tensor.shape));
    }
}
