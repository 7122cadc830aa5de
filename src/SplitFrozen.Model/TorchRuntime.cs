using SplitFrozen.Model.Memory;

using TorchSharp;

namespace SplitFrozen.Model;

/// <summary>The native library as a whole.</summary>
public static class TorchRuntime
{
    /// <summary>
    /// Sets how many threads a matrix product uses. Call it once, before anything is computed: libtorch copies the number at a thread's first
    /// use, and results are equal bit for bit only for equal numbers.
    /// </summary>
    /// <param name="threads">At least 1.</param>
    public static void UseThreads(int threads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        NativeRuntime.LetIdleThreadsSleep();
        torch.set_num_threads(threads);
    }

    /// <summary>Threads a matrix product uses.</summary>
    public static int Threads => torch.get_num_threads();

    /// <summary>Versions for run records, such as <c>TorchSharp 0.107.0, libtorch 2.10.0</c>.</summary>
    public static string Versions =>
        $"TorchSharp {typeof(torch).Assembly.GetName().Version?.ToString(3)}, libtorch {torch.__version__}";

    /// <summary>
    /// Whether large tensors of a process that trains live in a pool. Where the native library's allocator is not the one that the pool was written against, they do not.
    /// From the first time that this is asked, they do so in this process.
    /// </summary>
    public static bool PoolsTensors => TensorAllocator.Use();

    /// <summary>Loads the native library and computes a little.</summary>
    /// <exception cref="Exception">Whatever TorchSharp throws where the native library is missing or does not fit the system.</exception>
    public static void Probe()
    {
        NativeRuntime.LetIdleThreadsSleep();
        using var scope = torch.NewDisposeScope();
        torch.ones(2, 2).mm(torch.ones(2, 2)).sum().item<float>();
    }
}
