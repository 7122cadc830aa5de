using TorchSharp.Modules;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Blocks;

/// <summary>
/// The activation functions of feed-forward parts in one pass over memory. Where a gradient is needed the function's slope is computed along with its
/// value and takes the place of the input, and on the way back the gradient takes the place of the slope: torch's own functions compute the exponential
/// again there. So such a graph can be gone through once.
/// </summary>
internal static class FusedActivations
{
    /// <summary>GELU of x + b in its tanh form, x · (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2 (Hendrycks and Gimpel 2016).</summary>
    /// <param name="x">Rows [R, F]; overwritten.</param>
    /// <param name="bias">b [F], without gradient.</param>
    public static Tensor GeluTanh(Tensor x, Tensor bias)
    {
        if (!TensorMemory.IsPlain(x))
        {
            return nn.functional.gelu(x.add_(bias, Numbers.One), GELU.Approximate.tanh);
        }

        if (x.requires_grad)
        {
            return GeluFunction.apply(x, bias);
        }

        ActivationKernels.Gelu(x, bias);
        return x;
    }

    /// <summary>SwiGLU's middle, silu(gate) · up (Shazeer 2020).</summary>
    /// <param name="gate">Rows [R, F]; overwritten.</param>
    /// <param name="up">Rows [R, F]; overwritten where one of them needs a gradient.</param>
    public static Tensor SwiGlu(Tensor gate, Tensor up)
    {
        if (!TensorMemory.IsPlain(gate) || !TensorMemory.IsPlain(up))
        {
            return nn.functional.silu(gate).mul(up);
        }

        if (gate.requires_grad || up.requires_grad)
        {
            return SwiGluFunction.apply(gate, up);
        }

        ActivationKernels.SwiGlu(gate, up);
        return gate;
    }

    private sealed class GeluFunction : autograd.SingleTensorFunction<GeluFunction>
    {
        public override string Name => nameof(GeluFunction);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            var (x, bias) = ((Tensor)vars[0], (Tensor)vars[1]);
            var y = empty(x.shape);
            ActivationKernels.Gelu(x, bias, y);
            ctx.save_for_backward([x]);
            return y;
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
        {
            var (slope, gradient) = (ctx.get_saved_variables()[0].detach(), grad_output.contiguous());
            ActivationKernels.Slope(slope, gradient);
            GC.KeepAlive(gradient);
            return [slope, null!];
        }
    }

    private sealed class SwiGluFunction : autograd.SingleTensorFunction<SwiGluFunction>
    {
        public override string Name => nameof(SwiGluFunction);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            var (gate, up) = ((Tensor)vars[0], (Tensor)vars[1]);
            var y = empty(gate.shape);
            ActivationKernels.SwiGlu(gate, up, y);
            ctx.save_for_backward([gate, up]);
            return y;
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
        {
            var saved = ctx.get_saved_variables();
            var (gate, up, gradient) = (saved[0].detach(), saved[1].detach(), grad_output.contiguous());
            ActivationKernels.Slopes(gate, up, gradient);
            GC.KeepAlive(gradient);
            return [gate, up];
        }
    }
}
