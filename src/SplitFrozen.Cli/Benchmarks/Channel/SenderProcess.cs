using System.Diagnostics;
using System.Text.Json;

using SplitFrozen.Cli.Runs;

namespace SplitFrozen.Cli.Benchmarks.Channel;

/// <summary>A child process that sends.</summary>
internal sealed class SenderProcess : IDisposable
{
    private readonly Process _process;

    private SenderProcess(Process process, string name, string greeting) => (_process, Name, Greeting) = (process, name, greeting);

    public string Name { get; }

    /// <summary>What it said when it was ready: its address in the cluster, if it joined one.</summary>
    public string Greeting { get; }

    /// <summary>Starts the program again as a sender.</summary>
    public static async Task<SenderProcess> StartAsync(string name, string certificates, string? seedNode)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardInput = true, RedirectStandardOutput = true };

        // Under `dotnet run` or a test host the process is not the program itself.
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
        {
            start.ArgumentList.Add(typeof(SenderProcess).Assembly.Location);
        }

        string[] arguments = [SenderCommand.Name, "--certificates", certificates, .. seedNode is null ? (string[])[] : ["--seed-node", seedNode]];
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        var process = Process.Start(start) ?? throw new InvalidOperationException("the sender's process did not start");
        return new SenderProcess(process, name, await LineAsync(process).ConfigureAwait(false));
    }

    /// <summary>Has it send, and waits until it has.</summary>
    public async Task<SenderReport> SendAsync(SenderOrder order)
    {
        await _process.StandardInput.WriteLineAsync(JsonSerializer.Serialize(order, RunJson.Line)).ConfigureAwait(false);
        return JsonSerializer.Deserialize<SenderReport>(await LineAsync(_process).ConfigureAwait(false), RunJson.Line)!;
    }

    /// <summary>Ends the process, at once if it does not end by itself.</summary>
    public void Dispose()
    {
        _process.StandardInput.Close();
        if (!_process.WaitForExit(TimeSpan.FromSeconds(5)))
        {
            _process.Kill();
        }

        _process.Dispose();
    }

    private static async Task<string> LineAsync(Process process) =>
        await process.StandardOutput.ReadLineAsync().ConfigureAwait(false)
            ?? throw new InvalidOperationException("a sender of the benchmark ended; its message stands above");
}
