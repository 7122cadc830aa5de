using SplitFrozen.Model.Blocks;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Lora;

/// <summary>y += f · h Bᵀ, whose way back to h is a product by <see cref="LowRankKernels"/>; B is a constant.</summary>
internal sealed class LowRankUp : autograd.SingleTensorFunction<LowRankUp>
{
    private const string Factor = "factor";

    /// <inheritdoc/>
    public override string Name => nameof(LowRankUp);

    /// <summary>y [T, out], overwritten; h [T, r]; B [out, r], side by side in memory.</summary>
    public static Tensor Run(Tensor y, Tensor h, Tensor b, float factor) =>
        is_grad_enabled() && h.requires_grad ? apply(y, h, b, factor) : y.addmm_(h, b.t(), 1, factor);

    /// <inheritdoc/>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (y, h, b, factor) = ((Tensor)vars[0], (Tensor)vars[1], (Tensor)vars[2], (float)vars[3]);
        ctx.save_for_backward([b]);
        ctx.save_data(Factor, factor);
        ctx.mark_dirty([y]);
        return y.addmm_(h, b.t(), 1, factor);
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var gradient = grad_output.contiguous();
        return [grad_output, LowRankKernels.Down(gradient, ctx.get_saved_variables()[0], (float)ctx.get_data(Factor)), null!, null!];
    }
}
