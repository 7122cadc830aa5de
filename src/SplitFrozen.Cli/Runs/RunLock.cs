using SplitFrozen.Domain;

namespace SplitFrozen.Cli.Runs;

/// <summary>Keeps two processes from writing to one run's folder. The lock ends with the process that holds it, however that ends.</summary>
internal static class RunLock
{
    private const string FileName = "run.lock";

    /// <summary>Takes the lock; it is given back when the stream is disposed.</summary>
    /// <exception cref="UserErrorException">Another process holds it.</exception>
    public static FileStream Take(string folder)
    {
        try
        {
            return new FileStream(Path.Combine(folder, FileName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose);
        }
        catch (IOException e)
        {
            throw new UserErrorException($"The run in {folder} is being written by another process, or was: {e.Message} End that process first.", e);
        }
    }
}
