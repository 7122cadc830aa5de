using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Reflection;

namespace SplitFrozen.Cluster.Tests.Support;

/// <summary>A process of the program, as a user starts it, with what it has printed.</summary>
internal sealed class SplitFrozenProcess : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(240);

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _lines = [];
    private readonly List<(Func<string, bool> Wanted, TaskCompletionSource<string> Found)> _waits = [];
    private readonly string _command;

    private SplitFrozenProcess(string[] arguments, string workingFolder)
    {
        _command = string.Join(' ', arguments);
        _process = new Process
        {
            StartInfo = new ProcessStartInfo(ProgramFile, arguments)
            {
                WorkingDirectory = workingFolder,
                Environment = { ["SPLITFROZEN_CONTROL_DIR"] = Path.Combine(workingFolder, "control") },
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            },
        };
        _process.OutputDataReceived += (_, e) => Note(e.Data);
        _process.ErrorDataReceived += (_, e) => Note(e.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>The repository's folder.</summary>
    public static string Repository { get; } = Path.GetFullPath(Metadata("Repository"));

    /// <summary>Everything printed so far, results and errors.</summary>
    public string Output => string.Join('\n', _lines);

    private static string ProgramFile { get; } = Path.Combine(Repository, Metadata("Program"));

    /// <summary>The number of the process.</summary>
    public string Id => _process.Id.ToString(CultureInfo.InvariantCulture);

    /// <summary>Starts the program.</summary>
    public static SplitFrozenProcess Start(string workingFolder, params string[] arguments) => new(arguments, workingFolder);

    /// <summary>The first line, printed already or to come, that is wanted.</summary>
    public async Task<string> LineAsync(Func<string, bool> wanted)
    {
        var found = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_waits)
        {
            if (_lines.FirstOrDefault(wanted) is { } line)
            {
                return line;
            }

            _waits.Add((wanted, found));
        }

        try
        {
            return await found.Task.WaitAsync(Limit);
        }
        catch (TimeoutException)
        {
            throw new TimeoutException($"`splitfrozen {_command}` did not print the awaited line within {Limit.TotalSeconds:0} s. It printed:\n{Output}");
        }
    }

    /// <summary>Waits for the end.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> ExitAsync()
    {
        try
        {
            await _process.WaitForExitAsync().WaitAsync(Limit);
        }
        catch (TimeoutException)
        {
            throw new TimeoutException($"`splitfrozen {_command}` did not end within {Limit.TotalSeconds:0} s. It printed:\n{Output}");
        }

        // Without a time limit it also waits for the last lines.
        await _process.WaitForExitAsync();
        return _process.ExitCode;
    }

    /// <summary>Sends what Ctrl-C sends.</summary>
    public void Interrupt() => Signal("INT");

    /// <summary>Sends a signal.</summary>
    public void Signal(string name)
    {
        using var kill = Process.Start("kill", [$"-{name}", Id]);
        kill.WaitForExit();
    }

    /// <summary>Ends it without a word, as a crash does.</summary>
    public void Kill() => _process.Kill();

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit();
        }

        _process.Dispose();
    }

    private void Note(string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (_waits)
        {
            _lines.Enqueue(line);
            foreach (var wait in _waits.Where(w => w.Wanted(line)))
            {
                wait.Found.TrySetResult(line);
            }
        }
    }

    private static string Metadata(string key) => typeof(SplitFrozenProcess).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == key).Value!;
}
