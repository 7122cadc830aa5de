using Akka.Configuration;

using SplitFrozen.Cli.Experiments;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Evaluation;
using SplitFrozen.Domain.Generation;
using SplitFrozen.Domain.Models;
using SplitFrozen.Methods.Accounting;

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
    /// <returns>Whether it left before the run was over, as an operator had told it to.</returns>
    Task<bool> RunDeviceAsync(Settings settings, Config akka, CancellationToken stop);

    /// <summary>A further server node, which holds trainer stages: runs to the end of its part.</summary>
    /// <param name="settings">The configuration.</param>
    /// <param name="akka">The configuration's section akka.</param>
    /// <param name="stop">Cancelled when the node is to leave in order.</param>
    Task RunStagesAsync(Settings settings, Config akka, CancellationToken stop);

    /// <summary>Loads the native library and computes a little.</summary>
    /// <returns>Its versions.</returns>
    string ProbeNativeLibrary();

    /// <summary>Whether the memory of a training process's large tensors is pooled, in words. Loads the native library.</summary>
    string DescribeTensorMemory();

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

    /// <summary>Trains a method once in this process, keeping nothing, and computes what it costs. May be called from several threads.</summary>
    TrialResult RunTrial(Settings settings);

    /// <summary>Computes what a method costs by the cost model, with activations kept as the settings say and without.</summary>
    (MethodCost Cost, MethodCost WithoutStore) ComputeCosts(Settings settings);

    /// <summary>Scores an adapter on the held-out sets of a run's configuration.</summary>
    AdapterScore Score(Settings settings, string adapterFolder);

    /// <summary>Lets a run's model answer questions of its evaluation split, where the task is language modelling and the setting asks for it.</summary>
    /// <param name="settings">The run's configuration.</param>
    /// <param name="adapterFolder">Its adapter.</param>
    /// <param name="say">Told what it is at.</param>
    /// <param name="stop">Ends it early.</param>
    /// <returns>The score, or null where there is nothing to match.</returns>
    ExactMatchScore? ScoreAnswers(Settings settings, string adapterFolder, Action<string> say, CancellationToken stop);

    /// <summary>Loads a model to generate text with.</summary>
    /// <param name="model">Model folder.</param>
    /// <param name="adapter">A PEFT folder, or null.</param>
    /// <param name="compute"><c>cpu</c> or <c>cuda:N</c>.</param>
    /// <param name="threads">Threads of a matrix product.</param>
    ITextGenerator OpenGenerator(string model, string? adapter, string compute, int threads);

    /// <summary>The base model that an adapter names, a path or a name, or null.</summary>
    string? BaseModelOf(string adapter);

    /// <summary>Label names of a run's data; empty for language modelling.</summary>
    IReadOnlyList<string> LabelsOf(Settings settings);

    /// <summary>Writes base model and adapter, merged, as a Hugging Face folder.</summary>
    /// <param name="model">Model folder.</param>
    /// <param name="adapter">A PEFT folder.</param>
    /// <param name="labels">Names of a classifier's labels; empty: LABEL_0, LABEL_1, …</param>
    /// <param name="output">The folder to write, which must not exist.</param>
    void Merge(string model, string adapter, IReadOnlyList<string> labels, string output);
}
