using System.Diagnostics;
using System.Globalization;

namespace SplitFrozen.Cli.Benchmarks.Compute;

/// <summary>
/// The same LoRA step in PyTorch, in a process of its own that computes only when asked, so that both can be measured alternately. The script is
/// tests/SplitFrozen.Benchmarks/peers/lora_step.py of the sources; the program carries a copy.
/// </summary>
internal sealed class PyTorchPeer : IDisposable
{
    private const string Python = "/usr/bin/python3";
    private const string Script = "peers/lora_step.py";

    private readonly Process _process;

    private PyTorchPeer(Process process, string version)
    {
        _process = process;
        Version = version;
    }

    /// <summary>PyTorch's version and its BLAS.</summary>
    public string Version { get; }

    /// <summary>Starts the peer; null where there is no Python with PyTorch.</summary>
    /// <param name="layers">Trained blocks.</param>
    /// <param name="samples">Samples of a batch.</param>
    /// <param name="length">Tokens of each.</param>
    public static PyTorchPeer? Start(int layers, int samples, int length)
    {
        var script = Path.Combine(AppContext.BaseDirectory, Script);
        if (!File.Exists(Python) || !File.Exists(script))
        {
            return null;
        }

        var start = new ProcessStartInfo(Python) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in new object[] { script, layers, samples, length, Environment.ProcessorCount })
        {
            start.ArgumentList.Add(Convert.ToString(argument, CultureInfo.InvariantCulture) ?? "");
        }

        var process = Process.Start(start);
        if (process?.StandardOutput.ReadLine() is { } version && version.StartsWith("torch ", StringComparison.Ordinal))
        {
            return new PyTorchPeer(process, version);
        }

        process?.WaitForExit();
        process?.Dispose();
        return null;
    }

    /// <summary>Seconds of one step: forward, backward, clipping and AdamW.</summary>
    public double TrainSeconds()
    {
        _process.StandardInput.WriteLine("step");
        return double.Parse(_process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("The PyTorch process ended."), CultureInfo.InvariantCulture);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }
}
