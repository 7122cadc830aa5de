using System.Runtime.Intrinsics;
using SplitFrozen.Model.Blocks;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Llama;

/// <summary>RMSNorm in one pass over memory, forth and back; keeps its input only.</summary>
internal sealed unsafe class RmsNormFunction : autograd.SingleTensorFunction<RmsNormFunction>
{
    private const string Epsilon = "epsilon";
    private const int Lanes = 8;

    /// <inheritdoc/>
    public override string Name => nameof(RmsNormFunction);

    /// <summary>Whether the kernels can take the rows: float32 side by side in main memory, in whole vectors.</summary>
    public static bool Takes(Tensor x) => TensorMemory.IsPlain(x) && x.shape[^1] % Lanes == 0;

    /// <summary>y = w x / √(mean(x²) + ε).</summary>
    /// <param name="x">Rows [R, D].</param>
    /// <param name="weight">w [D], without gradient.</param>
    /// <param name="epsilon">ε.</param>
    public static Tensor Run(Tensor x, Tensor weight, double epsilon) =>
        is_grad_enabled() ? apply(x, weight, epsilon) : Forward(x, weight, epsilon);

    /// <inheritdoc/>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (x, weight, epsilon) = ((Tensor)vars[0], (Tensor)vars[1], (double)vars[2]);
        ctx.save_for_backward([x, weight]);
        ctx.save_data(Epsilon, epsilon);
        return Forward(x, weight, epsilon);
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var saved = ctx.get_saved_variables();
        var (x, weight, gradient) = (saved[0], saved[1], grad_output.contiguous());
        var result = empty(x.shape);
        int width = (int)x.shape[^1];
        float epsilon = (float)(double)ctx.get_data(Epsilon);
        float* from = Start(x);
        float* gain = Start(weight);
        float* above = Start(gradient);
        float* to = Start(result);
        KernelThreads.Run(x.numel() / width, width, (first, end) =>
        {
            for (long row = first * width; row < end * width; row += width)
            {
                Back(from + row, gain, above + row, to + row, width, epsilon);
            }
        });
        GC.KeepAlive(gradient);
        return [result, null!, null!];
    }

    private static Tensor Forward(Tensor x, Tensor weight, double epsilon)
    {
        var result = empty(x.shape);
        int width = (int)x.shape[^1];
        float* from = Start(x);
        float* gain = Start(weight);
        float* to = Start(result);
        KernelThreads.Run(x.numel() / width, width, (first, end) =>
        {
            for (long row = first * width; row < end * width; row += width)
            {
                float scale = Scale(from + row, width, (float)epsilon);
                for (int i = 0; i < width; i += Lanes)
                {
                    (Vector256.Load(from + row + i) * scale * Vector256.Load(gain + i)).Store(to + row + i);
                }
            }
        });
        return result;
    }

    /// <summary>dx = s w dy − x s³ / D · Σ x w dy, where s = 1 / √(mean(x²) + ε).</summary>
    private static void Back(float* x, float* gain, float* above, float* result, int width, float epsilon)
    {
        float scale = Scale(x, width, epsilon);
        var sum = Vector256<float>.Zero;
        for (int i = 0; i < width; i += Lanes)
        {
            sum = Vector256.FusedMultiplyAdd(Vector256.Load(x + i) * Vector256.Load(gain + i), Vector256.Load(above + i), sum);
        }

        float pull = scale * scale * scale / width * Vector256.Sum(sum);
        for (int i = 0; i < width; i += Lanes)
        {
            ((Vector256.Load(gain + i) * Vector256.Load(above + i) * scale) - (Vector256.Load(x + i) * pull)).Store(result + i);
        }
    }

    private static float Scale(float* x, int width, float epsilon)
    {
        var sum = Vector256<float>.Zero;
        for (int i = 0; i < width; i += Lanes)
        {
            var value = Vector256.Load(x + i);
            sum = Vector256.FusedMultiplyAdd(value, value, sum);
        }

        return 1 / MathF.Sqrt((Vector256.Sum(sum) / width) + epsilon);
    }

    private static float* Start(Tensor tensor) => (float*)TensorMemory.FirstNumber(tensor);
}
