using System.Text.Json.Nodes;

namespace SplitFrozen.Cluster.Tests.Support;

/// <summary>Follows a run by what it writes to metrics.jsonl, without asking its server anything.</summary>
internal sealed class RunWatch : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(240);

    private readonly string _file;
    private readonly FileSystemWatcher _watcher;
    private readonly SemaphoreSlim _changed = new(0);

    /// <param name="folder">The run's folder, which the run makes; the one above it must be there.</param>
    public RunWatch(string folder)
    {
        _file = Path.Combine(folder, "metrics.jsonl");
        _watcher = new FileSystemWatcher(Path.GetDirectoryName(folder)!, "metrics.jsonl")
        {
            NotifyFilter = NotifyFilters.Size | NotifyFilters.FileName | NotifyFilters.LastWrite,
            IncludeSubdirectories = true,
        };
        _watcher.Changed += (_, _) => _changed.Release();
        _watcher.Created += (_, _) => _changed.Release();
        _watcher.Renamed += (_, _) => _changed.Release();
        _watcher.EnableRaisingEvents = true;
    }

    /// <summary>Optimiser steps made so far, counting those that were made again.</summary>
    public int Steps => Events("step_done").Count;

    /// <summary>The events of a name.</summary>
    public IReadOnlyList<JsonNode> Events(string name)
    {
        if (!File.Exists(_file))
        {
            return [];
        }

        using var reader = new StreamReader(new FileStream(_file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
        var text = reader.ReadToEnd();
        return
        [
            .. text[..(text.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!)
                .Where(e => e["event"]!.GetValue<string>() == name),
        ];
    }

    /// <summary>Waits until the run has come so far, or the server has ended.</summary>
    /// <param name="isThere">Whether it has.</param>
    /// <param name="server">The server's process.</param>
    /// <returns>Whether it has come so far.</returns>
    public async Task<bool> UntilAsync(Func<bool> isThere, SplitFrozenProcess server)
    {
        using var limit = new CancellationTokenSource(Limit);
        var ended = server.ExitAsync();
        while (!isThere())
        {
            var change = _changed.WaitAsync(limit.Token);
            if (await Task.WhenAny(change, ended) == ended)
            {
                return isThere();
            }

            await change;
        }

        return true;
    }

    public void Dispose()
    {
        _watcher.Dispose();
        _changed.Dispose();
    }
}
