using SplitFrozen.Model.Lora;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace SplitFrozen.Model.Blocks;

/// <summary>
/// Every matrix product that the modules call for passes through here, so that a test can hold the cost model against what is really computed. The
/// products that the graph's reverse pass adds follow from those noted: one for each operand that needs a gradient.
/// </summary>
internal static class Products
{
    [ThreadStatic]
    private static Action<double, double>? _counter;

    /// <summary>Calls back for each product on this thread: its floating-point operations, and those that its reverse pass will need. Null stops it.</summary>
    public static void Count(Action<double, double>? counter) => _counter = counter;

    /// <summary>x Wᵀ + b of a weight in torch's order [out, in].</summary>
    public static Tensor Linear(Tensor x, Tensor weight, Tensor? bias)
    {
        Note(x, weight.shape[0]);
        return F.linear(x, weight, bias);
    }

    /// <summary>x W + b of a weight in GPT-2's order [in, out].</summary>
    public static Tensor Conv1D(Tensor x, Tensor weight, Tensor? bias)
    {
        Note(x, weight.shape[1]);
        return bias is null ? x.mm(weight) : addmm(bias, x, weight, 1, 1);
    }

    /// <summary>x M, M without gradient.</summary>
    public static Tensor Multiply(Tensor x, Tensor matrix)
    {
        Note(x, matrix.shape[1]);
        return x.mm(matrix);
    }

    /// <summary>h = x Aᵀ of an adapter.</summary>
    /// <param name="x">[R, in].</param>
    /// <param name="a">A, [r, in].</param>
    /// <returns>[R, r].</returns>
    public static Tensor Down(Tensor x, Tensor a)
    {
        Note(x, a.shape[0]);
        // Elsewhere h lies column by column in memory: so products of few columns, here and on the way back, take the library's fast kernels.
        return LowRankKernels.Takes(x, a.shape[0]) && !a.requires_grad ? LowRankDown.Run(x, a) : a.mm(x.t()).t();
    }

    /// <summary>y += factor · h Bᵀ of an adapter.</summary>
    /// <param name="y">[R, columns]; overwritten.</param>
    /// <param name="h">[R, r].</param>
    /// <param name="b">Rows of B, [columns, r].</param>
    /// <param name="factor">The adapter's scale.</param>
    public static Tensor Up(Tensor y, Tensor h, Tensor b, float factor)
    {
        Note(h, b.shape[0]);
        return LowRankKernels.Takes(h, b.shape[1]) && !b.requires_grad ? LowRankUp.Run(y, h, b, factor) : y.addmm_(h, b.t(), 1, factor);
    }

    /// <summary>gradient += hᵀ x.</summary>
    /// <param name="gradient">[r, K].</param>
    /// <param name="h">[R, r].</param>
    /// <param name="x">[R, K].</param>
    public static void AddGradient(Tensor gradient, Tensor h, Tensor x)
    {
        Note(h, x.shape[1]);
        if (LowRankKernels.Takes(x, h.shape[1]) && TensorMemory.IsPlain(h) && TensorMemory.IsPlain(gradient))
        {
            LowRankKernels.AddGradient(h, x, gradient);
        }
        else
        {
            gradient.addmm_(h.t(), x, 1, 1f);
        }
    }

    /// <summary>softmax(q kᵀ / √Dh) v, causal where asked for; counted over the full sequence.</summary>
    /// <param name="query">[N, H, S, Dh].</param>
    /// <param name="key">[N, H, S', Dh].</param>
    /// <param name="value">[N, H, S', Dh].</param>
    /// <param name="isCausal">Whether rows see only those before them.</param>
    public static Tensor Attend(Tensor query, Tensor key, Tensor value, bool isCausal)
    {
        if (_counter is not null)
        {
            double forward = 4.0 * query.numel() * key.shape[2];
            bool hasGradient = query.requires_grad || key.requires_grad || value.requires_grad;
            _counter(forward, hasGradient ? 2 * forward : 0);
        }

        return F.scaled_dot_product_attention(query, key, value, is_casual: isCausal);
    }

    /// <summary>Causal attention of each sample on its own; counted over the full sequence.</summary>
    /// <param name="query">[T, H, Dh].</param>
    /// <param name="key">[T, Hkv, Dh].</param>
    /// <param name="value">[T, Hkv, Dh].</param>
    /// <param name="layout">Which rows belong to which sample.</param>
    public static Tensor Attend(Tensor query, Tensor key, Tensor value, RaggedLayout layout)
    {
        Note(query.shape[1] * query.shape[2], layout, query.requires_grad || key.requires_grad || value.requires_grad);
        return CausalAttention.Run(query, key, value, layout);
    }

    /// <summary>The same of queries, keys and values side by side [T, 3, H, Dh].</summary>
    public static Tensor Attend(Tensor parts, RaggedLayout layout)
    {
        Note(parts.shape[2] * parts.shape[3], layout, parts.requires_grad);
        return FusedAttention.Run(parts, layout);
    }

    private static void Note(long width, RaggedLayout layout, bool hasGradient)
    {
        if (_counter is not null)
        {
            double forward = 4.0 * width * layout.Lengths.Sum(length => length * length);
            _counter(forward, hasGradient ? 2 * forward : 0);
        }
    }

    private static void Note(Tensor x, long outputs)
    {
        if (_counter is not null)
        {
            double forward = 2.0 * x.numel() * outputs;
            _counter(forward, x.requires_grad ? forward : 0);
        }
    }
}
