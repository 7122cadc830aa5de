using Akka.Configuration;

using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Models;

namespace SplitFrozen.Cli.Composing;

/// <summary>
/// Puts model, data and actors together. Opening checks everything that can be checked before a run: it throws
/// <see cref="Domain.UserErrorException"/> and writes nothing.
/// </summary>
internal interface IComposition
{
    /// <summary>A run on this machine: a local cluster, or one process for centralised methods.</summary>
    ITrainingRun OpenTraining(Settings settings);

    /// <summary>The server's part of a run over several processes.</summary>
    ITrainingRun OpenServer(Settings settings);

    /// <summary>A device node: runs to the end of its part.</summary>
    /// <param name="settings">The configuration.</param>
    /// <param name="akka">The configuration's section akka.</param>
    /// <param name="stop">Cancelled when the node is to leave in order.</param>
    Task RunDeviceAsync(Settings settings, Config akka, CancellationToken stop);

    /// <summary>Loads the native library and computes a little.</summary>
    /// <returns>Its versions.</returns>
    string ProbeNativeLibrary();

    /// <summary>Opens the model folder.</summary>
    /// <returns>What it holds, in words.</returns>
    string DescribeModel(Settings settings);

    /// <summary>Opens the data folder with the model's tokenizer and spreads its rows.</summary>
    /// <returns>What it holds, in words.</returns>
    string DescribeData(Settings settings);

    /// <summary>Opens the model folder for its sizes.</summary>
    ModelShape ReadShape(Settings settings);

    /// <summary>Opens model and data for the sizes that a simulation needs, and tokenises the training rows.</summary>
    FleetData MeasureFleet(Settings settings);

    /// <summary>Scores an adapter on the held-out sets of a run's configuration.</summary>
    AdapterScore Score(Settings settings, string adapterFolder);
}
