using System.Globalization;
using System.Text.Json;

using SplitFrozen.Domain.Files;

namespace SplitFrozen.Domain.Runs;

/// <summary>
/// The files of a run's lease. Each holder has a folder named by its number, the fencing token: 00000001, 00000002, … The highest number counts. A folder comes to be by a
/// rename, which fails where the name is taken: of two who want a number one gets it, whole. What a file says never changes after that; that the holder lives is told by the
/// file's time. Folders of former holders get another name (.closed), and with it every path that they know ceases to exist.
/// </summary>
internal sealed class LeaseFolder(string folder)
{
    private const string HolderFile = "holder.json";
    private const string ReleasedFile = "released";
    private const string Closed = ".closed";

    /// <summary>The highest number, or 0: nobody has held the lease.</summary>
    public int Highest => Tokens().DefaultIfEmpty(0).Max();

    /// <summary>The folder of a number.</summary>
    public string PathOf(int token) => Path.Combine(folder, token.ToString("D8", CultureInfo.InvariantCulture));

    /// <summary>Reads who holds a number.</summary>
    /// <returns>null where the number is another's by now, or closed.</returns>
    /// <exception cref="UserErrorException">The file is damaged.</exception>
    public LeaseHolder? Read(int token)
    {
        var file = Path.Combine(PathOf(token), HolderFile);
        try
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var record = JsonSerializer.Deserialize<LeaseRecord>(stream);
            return record is { Owner.Length: > 0, Holder: not null, Seconds: > 0 }
                ? new LeaseHolder(record, File.GetLastWriteTimeUtc(stream.SafeFileHandle), File.Exists(Path.Combine(PathOf(token), ReleasedFile)))
                : throw Damaged(file, "a field is missing", null);
        }
        catch (JsonException e)
        {
            throw Damaged(file, e.Message, e);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return Directory.Exists(PathOf(token)) ? throw Damaged(file, "it is missing", e) : null;
        }
    }

    /// <summary>Takes a number.</summary>
    /// <returns>Whether it was free.</returns>
    public bool TryCreate(int token, LeaseRecord record)
    {
        var draft = Path.Combine(folder, "." + Path.GetRandomFileName());
        Directory.CreateDirectory(draft);
        try
        {
            AtomicFile.Write(Path.Combine(draft, HolderFile), stream => JsonSerializer.Serialize(stream, record));
            Directory.Move(draft, PathOf(token));
            return true;
        }
        catch (IOException) when (Directory.Exists(PathOf(token)))
        {
            return false;
        }
        finally
        {
            if (Directory.Exists(draft))
            {
                Directory.Delete(draft, recursive: true);
            }
        }
    }

    /// <summary>Gives a number up that turned out to be too low.</summary>
    public void Remove(int token) => Directory.Delete(PathOf(token), recursive: true);

    /// <summary>Takes the paths of all lower numbers away.</summary>
    public void CloseBefore(int token)
    {
        foreach (var former in Tokens().Where(t => t < token).ToList())
        {
            try
            {
                Directory.Move(PathOf(former), PathOf(former) + Closed);
            }
            catch (DirectoryNotFoundException)
            {
                // Another one that took over closed it at the same moment.
            }
        }
    }

    /// <summary>Whether a number is still what it was; opening asks the file system, where looking might ask a cache.</summary>
    public bool IsOpen(int token)
    {
        try
        {
            File.OpenHandle(Path.Combine(PathOf(token), HolderFile), options: FileOptions.None).Dispose();
            return true;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return false;
        }
    }

    /// <summary>Shows that the holder lives. It needs no room on the disk.</summary>
    /// <returns>Whether the number is still the holder's.</returns>
    public bool Touch(int token)
    {
        try
        {
            File.SetLastWriteTimeUtc(Path.Combine(PathOf(token), HolderFile), DateTime.UtcNow);
            return true;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return false;
        }
    }

    /// <summary>Says that the holder ended in order.</summary>
    public void Release(int token)
    {
        if (Directory.Exists(PathOf(token)))
        {
            File.WriteAllBytes(Path.Combine(PathOf(token), ReleasedFile), []);
        }
    }

    private UserErrorException Damaged(string file, string why, Exception? cause)
    {
        var message = $"The lease file {file} is damaged: {why}. It says which server may write to the run. End every server of the run, remove the folder {folder}, and resume the run.";
        return cause is null ? new UserErrorException(message) : new UserErrorException(message, cause);
    }

    private IEnumerable<int> Tokens() => Directory.Exists(folder)
        ? Directory.GetDirectories(folder).Select(Path.GetFileName).Where(n => n!.Length == 8 && n.All(char.IsAsciiDigit)).Select(n => int.Parse(n!, CultureInfo.InvariantCulture))
        : [];
}

/// <summary>What a holder writes about itself.</summary>
/// <param name="Owner">Tells it from all others.</param>
/// <param name="Holder">Its name, for people.</param>
/// <param name="Seconds">How long the lease is its own after it was last renewed.</param>
/// <param name="Taken">When it took the lease, by its own clock; for people.</param>
internal sealed record LeaseRecord(string Owner, string Holder, double Seconds, DateTimeOffset Taken);

/// <summary>A holder as it was found.</summary>
/// <param name="Record">What it wrote.</param>
/// <param name="Stamp">Changes with each renewal.</param>
/// <param name="IsReleased">Whether it ended in order.</param>
internal sealed record LeaseHolder(LeaseRecord Record, DateTime Stamp, bool IsReleased);
