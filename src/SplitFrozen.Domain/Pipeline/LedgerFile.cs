using System.Text;

using SplitFrozen.Domain.Files;

namespace SplitFrozen.Domain.Pipeline;

/// <summary>A ledger that is written. Each record reaches the operating system at once, and the disk with <see cref="Flush"/>.</summary>
public sealed class LedgerFile : IDisposable
{
    private readonly FileStream _stream;

    private LedgerFile(FileStream stream) => _stream = stream;

    /// <summary>Bytes written.</summary>
    public long Bytes => _stream.Position;

    /// <summary>
    /// Opens a ledger to go on with; without one, begins it. What counts is copied into a file that takes the place of the old one: a process that still has that open, as one that
    /// was stopped and taken for dead, writes to a file that nobody sees.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="bytes">How much of it counts; what follows is cut off.</param>
    public static LedgerFile Open(string path, long bytes)
    {
        AtomicFile.Write(path, copy => CopyTo(copy, path, bytes));
        var stream = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.Read, bufferSize: 0) { Position = bytes };
        var ledger = new LedgerFile(stream);
        if (bytes == 0)
        {
            ledger.Append(LedgerText.Header);
        }

        return ledger;
    }

    /// <summary>Reads a ledger as far as it is whole; see <see cref="LedgerText.Read"/>.</summary>
    /// <param name="path">The file.</param>
    /// <param name="bytes">How much of it counts.</param>
    /// <exception cref="UserErrorException">There is none, or it cannot be read.</exception>
    public static LedgerReading Read(string path, long bytes = long.MaxValue)
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            var text = new byte[Math.Min(stream.Length, bytes)];
            return LedgerText.Read(text.AsSpan(0, stream.ReadAtLeast(text, text.Length, throwOnEndOfStream: false)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"The ledger {path} cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Adds a record.</summary>
    public void Append(LedgerRecord record) => Append(LedgerText.Line(record));

    /// <summary>Waits until all records are on the disk.</summary>
    public void Flush() => _stream.Flush(flushToDisk: true);

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();

    private static void CopyTo(Stream copy, string path, long bytes)
    {
        if (bytes == 0)
        {
            return;
        }

        using var old = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var kept = new byte[bytes];
        old.ReadExactly(kept);
        copy.Write(kept);
    }

    private void Append(string line)
    {
        var before = _stream.Position;
        try
        {
            _stream.Write(Encoding.UTF8.GetBytes(line));
        }
        catch (IOException)
        {
            // A full disk may have taken a part of the line, which must not stand before the next one.
            _stream.SetLength(before);
            _stream.Position = before;
            throw;
        }
    }
}
