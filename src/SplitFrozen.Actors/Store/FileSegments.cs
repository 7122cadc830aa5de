using System.Globalization;
using System.Text.Json;

using SplitFrozen.Domain;
using SplitFrozen.Domain.Store;

namespace SplitFrozen.Actors.Store;

/// <summary>
/// Segments as files of one folder, which one run uses at a time. Segments of another model, cut, tokenizer, length limit or codec are removed when the
/// folder is opened; store.json says in clear what the segments belong to.
/// </summary>
internal sealed class FileSegments : ISegments
{
    private const string Prefix = "segment-";
    private const string Suffix = ".sfs";
    private const string ManifestFile = "store.json";
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true };

    private readonly string _folder;
    private readonly byte[] _fingerprint;
    private readonly byte[]? _key;
    private readonly FileStream _lock;
    private readonly Dictionary<int, SegmentFile> _open = [];

    private FileSegments(string folder, byte[] fingerprint, byte[]? key, FileStream folderLock) =>
        (_folder, _fingerprint, _key, _lock) = (folder, fingerprint, key, folderLock);

    /// <summary>Opens a folder, and makes it where it does not exist.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="fingerprint">What the activations depend on.</param>
    /// <param name="key">Key of 32 bytes, or null: not encrypted.</param>
    /// <param name="log">Told in words what is not used, and why.</param>
    /// <exception cref="UserErrorException">The folder cannot be used, is in use, or is encrypted with another key.</exception>
    public static FileSegments Open(string folder, StoreFingerprint fingerprint, byte[]? key, Action<string> log)
    {
        try
        {
            Directory.CreateDirectory(folder);
            var segments = new FileSegments(folder, fingerprint.Hash(), key, Lock(folder));
            try
            {
                segments.TakeUp(fingerprint, log);
                return segments;
            }
            catch
            {
                segments.Dispose();
                throw;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"The activation store cannot use {folder}: {e.Message} Name another folder with splitfrozen.store.path, or set splitfrozen.store.mode to memory or off.", e);
        }
    }

    /// <summary>Numbers of the segments.</summary>
    public IReadOnlyCollection<int> Numbers => _open.Keys;

    /// <summary>The records of the segments that were there, oldest segment first.</summary>
    public IEnumerable<(RecordHead Head, StorePlace Place)> Scan() => _open.OrderBy(s => s.Key).SelectMany(s => s.Value.Scan(s.Key));

    public void Write(StorePlace place, Span<byte> record)
    {
        if (!_open.TryGetValue(place.Segment, out var segment))
        {
            _open[place.Segment] = segment = SegmentFile.Create(PathOf(place.Segment), _fingerprint, _key);
        }

        segment.Write(place.Offset, record);
    }

    public bool Read(StorePlace place, Span<byte> record) => _open.TryGetValue(place.Segment, out var segment) && segment.Read(place.Offset, record);

    public void Drop(int segment)
    {
        if (_open.Remove(segment, out var file))
        {
            file.Dispose();
        }

        File.Delete(PathOf(segment));
    }

    public void Dispose()
    {
        foreach (var segment in _open.Values)
        {
            segment.Dispose();
        }

        _open.Clear();
        _lock.Dispose();
    }

    private static FileStream Lock(string folder)
    {
        try
        {
            return new FileStream(Path.Combine(folder, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose);
        }
        catch (IOException e)
        {
            throw new UserErrorException($"The activation store {folder} is in use by another run. Name another folder with splitfrozen.store.path, or wait for that run.", e);
        }
    }

    private void TakeUp(StoreFingerprint fingerprint, Action<string> log)
    {
        var manifest = Path.Combine(_folder, ManifestFile);
        var before = ReadManifest(manifest);
        foreach (var path in Directory.GetFiles(_folder, $"{Prefix}*{Suffix}").Order(StringComparer.Ordinal))
        {
            var (segment, reason) = SegmentFile.Open(path, _fingerprint, _key);
            if (segment is not null && NumberOf(path) is { } number)
            {
                _open[number] = segment;
                continue;
            }

            segment?.Dispose();
            var changed = before is null ? [] : fingerprint.Differences(before);
            log($"Stored activations in {Path.GetFileName(path)} are not used and removed: {reason ?? "its name is not a segment's"}{(changed.Count > 0 ? $": changed are {string.Join(", ", changed)}" : "")}");
            File.Delete(path);
        }

        var temporary = manifest + ".tmp";
        File.WriteAllText(temporary, JsonSerializer.Serialize(fingerprint, Json) + Environment.NewLine);
        File.Move(temporary, manifest, overwrite: true);
    }

    /// <summary>What the segments belonged to; only for people, so that a damaged file is as good as none.</summary>
    private static StoreFingerprint? ReadManifest(string path)
    {
        try
        {
            return File.Exists(path) ? JsonSerializer.Deserialize<StoreFingerprint>(File.ReadAllText(path), Json) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static int? NumberOf(string path) =>
        int.TryParse(Path.GetFileNameWithoutExtension(path).AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    private string PathOf(int segment) => Path.Combine(_folder, string.Create(CultureInfo.InvariantCulture, $"{Prefix}{segment:D8}{Suffix}"));
}
