using static TorchSharp.torch;

namespace SplitFrozen.Model.Blocks;

/// <summary>
/// The activation functions of feed-forward parts in one pass over memory. Where a gradient is needed the function's slope is computed along with its
/// value and takes the place of the input, so that the way back is one product: torch's own functions compute the exponential again there.
/// </summary>
internal static class FusedActivations
{
    /// <summary>GELU in its tanh form, x · (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2 (Hendrycks and Gimpel 2016).</summary>
    /// <param name="x">Rows [R, F]; overwritten.</param>
    public static Tensor GeluTanh(Tensor x)
    {
        if (!TensorMemory.IsPlain(x))
        {
            return nn.functional.gelu(x, TorchSharp.Modules.GELU.Approximate.tanh);
        }

        if (!x.requires_grad)
        {
            ActivationKernels.Gelu(x);
            return x;
        }

        var slope = x.detach();
        var y = x.mul(slope);
        ActivationKernels.Gelu(slope, y);
        return y;
    }

    /// <summary>SwiGLU's middle, silu(gate) · up (Shazeer 2020).</summary>
    /// <param name="gate">Rows [R, F]; overwritten.</param>
    /// <param name="up">Rows [R, F]; overwritten where it needs a gradient.</param>
    public static Tensor SwiGlu(Tensor gate, Tensor up)
    {
        if (!TensorMemory.IsPlain(gate) || !TensorMemory.IsPlain(up))
        {
            return nn.functional.silu(gate).mul(up);
        }

        if (!gate.requires_grad && !up.requires_grad)
        {
            ActivationKernels.SwiGlu(gate, up);
            return gate;
        }

        var (gateSlope, upSlope) = (gate.detach(), up.detach());
        var y = Node(gate, gateSlope, up, upSlope);
        ActivationKernels.SwiGlu(gateSlope, upSlope, y);
        return y;
    }

    /// <summary>A node whose gradients are the products with the slopes; its value is written afterwards.</summary>
    private static Tensor Node(Tensor gate, Tensor gateSlope, Tensor up, Tensor upSlope)
    {
        if (!gate.requires_grad)
        {
            return up.mul(upSlope);
        }

        var y = gate.mul(gateSlope);
        return up.requires_grad ? y.addcmul_(up, upSlope, 1) : y;
    }
}
