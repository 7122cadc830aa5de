namespace SplitFrozen.Model.Blocks;

/// <summary>Divides the work of a kernel whose pieces do not depend on each other.</summary>
internal static class KernelThreads
{
    /// <summary>Runs all pieces, in ranges [from, to), on the threads that products use.</summary>
    /// <param name="pieces">How many pieces.</param>
    /// <param name="least">Fewer than these are not worth a thread of their own.</param>
    /// <param name="run">Runs a range.</param>
    public static void Run(long pieces, long least, Action<long, long> run)
    {
        int threads = (int)Math.Clamp(pieces / Math.Max(1, least), 1, TorchRuntime.Threads);
        if (threads == 1)
        {
            run(0, pieces);
            return;
        }

        Parallel.For(0, threads, new ParallelOptions { MaxDegreeOfParallelism = threads }, part =>
            run(pieces * part / threads, pieces * (part + 1) / threads));
    }
}
