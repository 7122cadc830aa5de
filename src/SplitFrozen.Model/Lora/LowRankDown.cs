using SplitFrozen.Model.Blocks;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Lora;

/// <summary>h = x Aᵀ by <see cref="LowRankKernels"/>, as a node of the graph; A is a constant.</summary>
internal sealed class LowRankDown : autograd.SingleTensorFunction<LowRankDown>
{
    /// <inheritdoc/>
    public override string Name => nameof(LowRankDown);

    /// <summary>x [T, in], A [r, in]; the result [T, r].</summary>
    public static Tensor Run(Tensor x, Tensor a) => is_grad_enabled() && x.requires_grad ? apply(x, a) : Forward(x, a);

    /// <inheritdoc/>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (x, a) = ((Tensor)vars[0], (Tensor)vars[1]);
        ctx.save_for_backward([a]);
        return Forward(x, a);
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output) => [grad_output.mm(ctx.get_saved_variables()[0]), null!];

    private static Tensor Forward(Tensor x, Tensor a) => LowRankKernels.Down(x, a.t().contiguous(), 1);
}
