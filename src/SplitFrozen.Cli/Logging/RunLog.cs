using System.Collections.Concurrent;
using System.Globalization;

namespace SplitFrozen.Cli.Logging;

/// <summary>
/// A log that all actor systems of the process share. They find it by name, since Akka makes its loggers itself and hands them nothing but
/// configuration.
/// </summary>
internal sealed class RunLog : IDisposable
{
    private static readonly ConcurrentDictionary<string, RunLog> Open = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();
    private readonly TextWriter _writer;
    private readonly TimeProvider _time;
    private readonly bool _isFile;
    private bool _closed;

    private RunLog(string name, TextWriter writer, TimeProvider time, bool isFile)
    {
        (Name, _writer, _time, _isFile) = (name, writer, time, isFile);
        Open[name] = this;
    }

    /// <summary>Under which loggers find it.</summary>
    public string Name { get; }

    /// <summary>Whether people read it as it comes, so that only what concerns them should be in it.</summary>
    public bool IsForPeople => !_isFile;

    /// <summary>A log into a file, behind what is there.</summary>
    public static RunLog ToFile(string file, TimeProvider time) =>
        new(file, new StreamWriter(new FileStream(file, FileMode.Append, FileAccess.Write, FileShare.Read)), time, isFile: true);

    /// <summary>A log onto a terminal, which stays open.</summary>
    public static RunLog ToTerminal(TextWriter writer, TimeProvider time) => new($"terminal {Guid.NewGuid()}", writer, time, isFile: false);

    /// <summary>The open log of that name, or null.</summary>
    public static RunLog? Find(string name) => Open.GetValueOrDefault(name);

    /// <summary>Writes a line; after <see cref="Dispose"/> nothing.</summary>
    public void Write(string level, string source, string message)
    {
        lock (_gate)
        {
            if (!_closed)
            {
                var time = _time.GetLocalNow().ToString(_isFile ? "HH:mm:ss.fff" : "HH:mm:ss", CultureInfo.InvariantCulture);
                Try(() =>
                {
                    _writer.WriteLine(_isFile ? $"{time} {level,-7} {source}: {message}" : $"{time} {message}");
                    _writer.Flush();
                });
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Open.TryRemove(Name, out _);
        lock (_gate)
        {
            _closed = true;
            if (_isFile)
            {
                Try(_writer.Dispose);
            }
        }
    }

    /// <summary>A full disk takes no line, and must not end the run or hide why it ended: what is lost here is not needed to go on.</summary>
    private static void Try(Action write)
    {
        try
        {
            write();
        }
        catch (IOException)
        {
            // There is nowhere to say so but the log itself; the next line tries again.
        }
    }
}
