namespace SplitFrozen.Model.Blocks;

/// <summary>Divides the work of a kernel whose pieces do not depend on each other.</summary>
internal static class KernelThreads
{
    /// <summary>Below this many elements a further thread costs more than it brings.</summary>
    private const long LeastElements = 1 << 14;

    /// <summary>Runs all pieces, in ranges [from, to), on the threads that products use.</summary>
    /// <param name="pieces">How many pieces.</param>
    /// <param name="elements">Elements of a piece.</param>
    /// <param name="run">Runs a range.</param>
    public static void Run(long pieces, long elements, Action<long, long> run)
    {
        int threads = (int)Math.Clamp(pieces * elements / LeastElements, 1, TorchRuntime.Threads);
        if (threads == 1)
        {
            run(0, pieces);
            return;
        }

        Parallel.For(0, threads, new ParallelOptions { MaxDegreeOfParallelism = threads }, part =>
            run(pieces * part / threads, pieces * (part + 1) / threads));
    }
}
