using Akka.Configuration;

using SplitFrozen.Cli.Composing;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Methods.Accounting;

namespace SplitFrozen.Cli.Experiments;

/// <summary>
/// Trains a method once in this process and computes its costs. SplitFrozen is trained by the centralised loop over the blocks above the frozen line, whose losses and
/// adapter are the cluster's, bit for bit; its costs are those of the cluster.
/// </summary>
internal static class Trial
{
    /// <summary>Runs to the end.</summary>
    /// <param name="settings">The configuration; its method may be any.</param>
    public static TrialResult Run(Settings settings)
    {
        var inputs = RunInputs.Open(Trained(settings));
        var (cost, withoutStore) = Costs(settings, inputs);
        var folder = Directory.CreateTempSubdirectory("splitfrozen-trial-").FullName;
        try
        {
            var curve = new Curve();
            ITrainingRun run = inputs.Settings.Training.Method == TrainingMethods.CenLora ? new CenLoraTraining(inputs) : new DeviceMethodTraining(inputs);
            var summary = run.RunAsync(new RunHost(new RunPaths(folder), curve, ConfigurationFactory.Empty, CancellationToken.None)).GetAwaiter().GetResult();
            return new TrialResult(
                summary.AccuracyBefore ?? double.NaN, summary.AccuracyAfter ?? double.NaN, summary.ValidationAccuracy ?? double.NaN, summary.LossAfter ?? double.NaN,
                curve.Accuracies, cost, withoutStore);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static Settings Trained(Settings settings)
    {
        var training = settings.Training with { CheckpointSteps = int.MaxValue };
        return settings with
        {
            Training = training.Method == TrainingMethods.SplitFrozen
                ? training with { Method = TrainingMethods.CenLora, LoraFrom = RunInputs.Open(settings).Cut } : training,
        };
    }

    /// <summary>What a run would cost, without training.</summary>
    public static (MethodCost Cost, MethodCost WithoutStore) Costs(Settings settings) => Costs(settings, RunInputs.Open(settings));

    private static (MethodCost Cost, MethodCost WithoutStore) Costs(Settings settings, RunInputs inputs)
    {
        var data = DeviceMethodTraining.Inputs(inputs, new RunPaths("/"), new Curve(), trace: null).LocalData;
        MethodCost Of(Settings of) => new MethodCosts(of, inputs.Model.Shape, inputs.Trainer, data, EmulatedFleet.Paper).Of(of.Training.Method);
        try
        {
            return (Of(settings), Of(settings with { Store = settings.Store with { Mode = StoreMode.Off } }));
        }
        catch (NotSupportedException e)
        {
            throw new UserErrorException($"Memory of devices is known for adapters on queries, keys and values; set splitfrozen.lora.targets = auto. {e.Message}", e);
        }
    }

    private sealed class Curve : IRunObserver
    {
        public List<double> Accuracies { get; } = [];

        public void On(RunEvent e)
        {
            if (e is RunEvent.Evaluated { Name: not "after" } evaluated)
            {
                Accuracies.Add(evaluated.Score.Accuracy);
            }
        }
    }
}

/// <summary>What a trial found.</summary>
/// <param name="Before">Accuracy on the evaluation set before training.</param>
/// <param name="After">And after it.</param>
/// <param name="Validation">Accuracy in the last validation, or NaN.</param>
/// <param name="Loss">Mean loss on the evaluation set after training.</param>
/// <param name="Curve">Accuracies in the order in which they were found: on the evaluation set before training, then in validations.</param>
/// <param name="Cost">What it costs.</param>
/// <param name="WithoutStore">What it costs where the server keeps no activations.</param>
internal sealed record TrialResult(double Before, double After, double Validation, double Loss, IReadOnlyList<double> Curve, MethodCost Cost, MethodCost WithoutStore);
