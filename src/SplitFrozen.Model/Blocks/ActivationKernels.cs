using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Blocks;

/// <summary>
/// Element-wise kernels on contiguous float32 tensors in main memory. An element's bits depend on its value alone: an end that fills no whole vector is
/// computed as a padded one, and how the work is divided among threads changes nothing.
/// </summary>
internal static unsafe class ActivationKernels
{
    private const int Lanes = 8;

    private interface IKernel
    {
        /// <summary>How many of the tensors, from the first, are written.</summary>
        static abstract int Written { get; }

        /// <summary>Eight elements of up to three tensors; those that the kernel does not use may be null.</summary>
        static abstract void Run(float* first, float* second, float* third);
    }

    /// <summary>x ← gelu(x + b), tanh form.</summary>
    /// <param name="x">[R, F].</param>
    /// <param name="bias">b [F].</param>
    public static void Gelu(Tensor x, Tensor bias) => RunRows<GeluInPlace>(x, Address(x), null, Address(bias));

    /// <summary>y ← gelu(x + b), x ← gelu'(x + b).</summary>
    /// <param name="x">[R, F].</param>
    /// <param name="bias">b [F].</param>
    /// <param name="y">[R, F].</param>
    public static void Gelu(Tensor x, Tensor bias, Tensor y) => RunRows<GeluAndSlope>(x, Address(x), Address(y), Address(bias));

    /// <summary>gate ← silu(gate) · up.</summary>
    public static void SwiGlu(Tensor gate, Tensor up) => Run<SwiGluInPlace>(gate.numel(), Address(gate), Address(up), null);

    /// <summary>y ← silu(gate) · up, gate ← up · silu'(gate), up ← silu(gate).</summary>
    public static void SwiGlu(Tensor gate, Tensor up, Tensor y) => Run<SwiGluAndSlopes>(gate.numel(), Address(gate), Address(up), Address(y));

    /// <summary>slope ← slope · g.</summary>
    public static void Slope(Tensor slope, Tensor g) => Run<SlopeInPlace>(slope.numel(), Address(slope), Address(g), null);

    /// <summary>first ← first · g, second ← second · g.</summary>
    public static void Slopes(Tensor first, Tensor second, Tensor g) => Run<SlopesInPlace>(first.numel(), Address(first), Address(second), Address(g));

    private static float* Address(Tensor tensor) => (float*)TensorMemory.Address(tensor);

    private static void Run<TKernel>(long count, float* first, float* second, float* third)
        where TKernel : struct, IKernel
    {
        long vectors = count / Lanes;
        KernelThreads.Run(vectors, Lanes, (from, to) => Vectors<TKernel>(from, to, first, second, third));
        if (count % Lanes is var left and > 0)
        {
            End<TKernel>((int)left, At(first, count - left), At(second, count - left), At(third, count - left));
        }
    }

    /// <summary>The third tensor is one row, which all rows share.</summary>
    private static void RunRows<TKernel>(Tensor x, float* first, float* second, float* row)
        where TKernel : struct, IKernel
    {
        long width = x.shape[^1];
        long vectors = width / Lanes;
        int left = (int)(width % Lanes);
        KernelThreads.Run(x.numel() / width, width, (from, to) =>
        {
            for (long start = from * width; start < to * width; start += width)
            {
                Vectors<TKernel>(0, vectors, At(first, start), At(second, start), row);
                if (left > 0)
                {
                    End<TKernel>(left, At(first, start + width - left), At(second, start + width - left), row + width - left);
                }
            }
        });
    }

    private static float* At(float* start, long index) => start is null ? null : start + index;

    private static void Vectors<TKernel>(long from, long to, float* first, float* second, float* third)
        where TKernel : struct, IKernel
    {
        for (long i = from * Lanes; i < to * Lanes; i += Lanes)
        {
            TKernel.Run(first + i, second + i, third + i);
        }
    }

    private static void End<TKernel>(int count, float* first, float* second, float* third)
        where TKernel : struct, IKernel
    {
        float* padded = stackalloc float[3 * Lanes];
        new Span<float>(padded, 3 * Lanes).Clear();
        Copy(first, padded, count);
        Copy(second, padded + Lanes, count);
        Copy(third, padded + (2 * Lanes), count);
        TKernel.Run(padded, padded + Lanes, padded + (2 * Lanes));
        Copy(padded, first, count);
        Copy(padded + Lanes, TKernel.Written > 1 ? second : null, count);
        Copy(padded + (2 * Lanes), TKernel.Written > 2 ? third : null, count);
    }

    private static void Copy(float* from, float* to, int count)
    {
        if (from is not null && to is not null)
        {
            new ReadOnlySpan<float>(from, count).CopyTo(new Span<float>(to, count));
        }
    }

    /// <summary>1 / (1 + e⁻ˣ).</summary>
    private static Vector256<float> Sigmoid(Vector256<float> x) => Vector256<float>.One / (Vector256<float>.One + FastExponential.Of(-x));

    /// <summary>x σ(x (l + c x²)): since tanh(z) = 2 σ(2z) − 1, this is x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2.</summary>
    private readonly struct GeluInPlace : IKernel
    {
        public const float Linear = 1.5957691216057308f;
        public const float Cubic = 0.071354816272600f;

        public static int Written => 1;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Run(float* first, float* second, float* third)
        {
            var x = Vector256.Load(first) + Vector256.Load(third);
            var inner = Vector256.Create(Linear) + (Vector256.Create(Cubic) * x * x);
            (x * Sigmoid(x * inner)).Store(first);
        }
    }

    private readonly struct GeluAndSlope : IKernel
    {
        public static int Written => 2;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Run(float* first, float* second, float* third)
        {
            var x = Vector256.Load(first) + Vector256.Load(third);
            var cubic = Vector256.Create(GeluInPlace.Cubic) * x * x;
            var sigmoid = Sigmoid(x * (Vector256.Create(GeluInPlace.Linear) + cubic));
            var y = x * sigmoid;
            var innerSlope = Vector256.Create(GeluInPlace.Linear) + (Vector256.Create(3f) * cubic);
            (sigmoid + (y * (Vector256<float>.One - sigmoid) * innerSlope)).Store(first);
            y.Store(second);
        }
    }

    private readonly struct SwiGluInPlace : IKernel
    {
        public static int Written => 1;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Run(float* first, float* second, float* third)
        {
            var gate = Vector256.Load(first);
            (gate * Sigmoid(gate) * Vector256.Load(second)).Store(first);
        }
    }

    private readonly struct SwiGluAndSlopes : IKernel
    {
        public static int Written => 3;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Run(float* first, float* second, float* third)
        {
            var (gate, up) = (Vector256.Load(first), Vector256.Load(second));
            var sigmoid = Sigmoid(gate);
            var silu = gate * sigmoid;
            (up * (sigmoid + (silu * (Vector256<float>.One - sigmoid)))).Store(first);
            silu.Store(second);
            (silu * up).Store(third);
        }
    }

    private readonly struct SlopeInPlace : IKernel
    {
        public static int Written => 1;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Run(float* first, float* second, float* third) => (Vector256.Load(first) * Vector256.Load(second)).Store(first);
    }

    private readonly struct SlopesInPlace : IKernel
    {
        public static int Written => 2;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Run(float* first, float* second, float* third)
        {
            var g = Vector256.Load(third);
            (Vector256.Load(first) * g).Store(first);
            (Vector256.Load(second) * g).Store(second);
        }
    }
}
