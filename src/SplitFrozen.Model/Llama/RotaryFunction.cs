using System.Runtime.Intrinsics;
using SplitFrozen.Model.Blocks;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Llama;

/// <summary>Rotation of heads by their rows' angles in one pass over memory; the way back turns the other way.</summary>
internal sealed unsafe class RotaryFunction : autograd.SingleTensorFunction<RotaryFunction>
{
    private const int Lanes = 8;

    /// <inheritdoc/>
    public override string Name => nameof(RotaryFunction);

    /// <summary>Whether the kernel can take the rows: float32 side by side in main memory, half a head in whole vectors.</summary>
    public static bool Takes(Tensor x) => TensorMemory.IsPlain(x) && x.shape[2] % (2 * Lanes) == 0;

    /// <summary>Dimension i turns with i + Dh/2.</summary>
    /// <param name="x">[R, H, Dh]; overwritten where no gradient is asked for.</param>
    /// <param name="angles">The angles of the rows.</param>
    public static Tensor Run(Tensor x, RotaryAngles angles)
    {
        if (is_grad_enabled())
        {
            return apply(x, angles.Cosine, angles.Sine);
        }

        Turn(x, angles.Cosine, angles.Sine, x, 1);
        return x;
    }

    /// <inheritdoc/>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (x, cosine, sine) = ((Tensor)vars[0], (Tensor)vars[1], (Tensor)vars[2]);
        ctx.save_for_backward([cosine, sine]);
        var result = empty(x.shape);
        Turn(x, cosine, sine, result, 1);
        return result;
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var saved = ctx.get_saved_variables();
        var result = empty(grad_output.shape);
        var gradient = grad_output.contiguous();
        Turn(gradient, saved[0], saved[1], result, -1);
        GC.KeepAlive(gradient);
        return [result, null!, null!];
    }

    private static void Turn(Tensor x, Tensor cosine, Tensor sine, Tensor result, float direction)
    {
        var (heads, width) = ((int)x.shape[1], (int)x.shape[2]);
        float* from = Start(x);
        float* to = Start(result);
        float* cos = Start(cosine);
        float* sin = Start(sine);
        KernelThreads.Run(x.shape[0], heads * width, (first, end) =>
        {
            for (long row = first; row < end; row++)
            {
                for (int head = 0; head < heads; head++)
                {
                    long offset = ((row * heads) + head) * width;
                    Turn(from + offset, cos + (row * width), sin + (row * width), to + offset, width / 2, direction);
                }
            }
        });
    }

    private static void Turn(float* x, float* cosine, float* sine, float* result, int half, float direction)
    {
        for (int i = 0; i < half; i += Lanes)
        {
            var (low, high) = (Vector256.Load(x + i), Vector256.Load(x + half + i));
            var (cos, sin) = (Vector256.Load(cosine + i), Vector256.Load(sine + i) * direction);
            ((low * cos) - (high * sin)).Store(result + i);
            ((high * cos) + (low * sin)).Store(result + half + i);
        }
    }

    private static float* Start(Tensor tensor) => (float*)TensorMemory.FirstNumber(tensor);
}
