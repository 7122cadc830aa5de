namespace SplitFrozen.Model.Files;

/// <summary>Writes files so that a reader finds the old content or the new, never a part.</summary>
internal static class AtomicFile
{
    /// <summary>Writes to a temporary file beside the target, flushes it to the disk and renames it. Nothing stays behind where that fails.</summary>
    public static void Write(string path, Action<Stream> write)
    {
        string temporary = path + ".tmp";
        try
        {
            using (var stream = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }
    }
}
