using System.IO.MemoryMappedFiles;
using SplitFrozen.Domain;

namespace SplitFrozen.Model.Files;

/// <summary>
/// The bytes of one tensor, mapped from its file: they are copied once, from the page cache to where they are needed, and the pages count
/// as this process's memory only while the range is open.
/// </summary>
internal sealed unsafe class MappedRange : IDisposable
{
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;

    private MappedRange(MemoryMappedFile file, MemoryMappedViewAccessor view)
    {
        _file = file;
        _view = view;
        byte* start = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        Start = start + view.PointerOffset;
    }

    /// <summary>The first byte.</summary>
    public byte* Start { get; }

    /// <summary>Maps the bytes of a tensor that holds at least one.</summary>
    /// <exception cref="UserErrorException">The file cannot be read, or is shorter than when its header was read.</exception>
    public static MappedRange Open(string path, TensorEntry entry)
    {
        try
        {
            // The length is held against the entry before mapping: a page beyond a file's end would end the process.
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            if (stream.Length < entry.Offset + entry.Bytes)
            {
                throw new UserErrorException($"'{path}' ends inside tensor '{entry.Name}': it was changed or cut off since it was opened; fetch it again.");
            }

            var file = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
            return new MappedRange(file, file.CreateViewAccessor(entry.Offset, entry.Bytes, MemoryMappedFileAccess.Read));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"'{path}': tensor '{entry.Name}' cannot be read: {e.Message} Check that the file is there and may be read.", e);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _file.Dispose();
    }
}
