using System.Diagnostics;
using System.Globalization;

namespace SplitFrozen.Cluster.Tests.Support;

/// <summary>
/// A file system of its own in memory that can be filled and freed (tmpfs). Where it cannot be mounted, since that takes the rights of root, the processes started on it may write no file
/// longer than so much instead (RLIMIT_FSIZE): what is too long for the limit fails as on a full disk, until the limit is raised.
/// </summary>
internal sealed class SmallDisk : IDisposable
{
    private readonly string _filler;
    private readonly bool _isMounted;

    /// <param name="folder">Where it is mounted; made if it is not there.</param>
    /// <param name="kibibytes">Its size.</param>
    public SmallDisk(string folder, int kibibytes)
    {
        Directory.CreateDirectory(folder);
        (Folder, _filler) = (folder, Path.Combine(folder, "filler"));
        _isMounted = Run("mount", "-t", "tmpfs", "-o", string.Create(CultureInfo.InvariantCulture, $"size={kibibytes}k"), "tmpfs", folder);
    }

    /// <summary>Where it is.</summary>
    public string Folder { get; }

    /// <summary>Takes all room but so much.</summary>
    /// <param name="left">Kibibytes left.</param>
    /// <param name="process">A process that works on it.</param>
    public void Fill(int left, SplitFrozenProcess process)
    {
        if (!_isMounted)
        {
            Assert.True(Run("prlimit", "--pid", process.Id, $"--fsize={1024 * left}:unlimited"), "files cannot be limited in their length");
            return;
        }

        var free = new DriveInfo(Folder).AvailableFreeSpace - (1024L * left);
        using var stream = new FileStream(_filler, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        var page = new byte[4096];
        for (var written = 0L; written + page.Length <= free; written += page.Length)
        {
            stream.Write(page);
        }
    }

    /// <summary>Gives the room back.</summary>
    public void Free(SplitFrozenProcess process)
    {
        if (_isMounted)
        {
            File.Delete(_filler);
        }
        else
        {
            Assert.True(Run("prlimit", "--pid", process.Id, "--fsize=unlimited:unlimited"), "the limit cannot be raised again");
        }
    }

    public void Dispose()
    {
        if (_isMounted)
        {
            // A process that was killed may take a moment to let go of its files.
            Run("umount", "--lazy", Folder);
        }
    }

    private static bool Run(string command, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(command, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        process.WaitForExit();
        return process.ExitCode == 0;
    }
}
