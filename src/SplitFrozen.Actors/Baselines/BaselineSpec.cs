using SplitFrozen.Actors.Training;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Sampling;
using SplitFrozen.Methods;
using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Baselines;

/// <summary>What devices that train are told, and what they make of it.</summary>
public static class BaselineSpec
{
    /// <summary>What devices of a run are told.</summary>
    /// <param name="settings">The configuration.</param>
    /// <param name="model">The model folder.</param>
    /// <param name="trainer">What is trained, from block 0 on.</param>
    /// <returns>The specification, or null where devices do not train.</returns>
    /// <exception cref="UserErrorException">A setting does not fit the model.</exception>
    public static MethodSpec? Of(Settings settings, IModelSource model, TrainerSpec trainer)
    {
        if (!TrainingMethods.HasTrainingDevices(settings.Training.Method))
        {
            return null;
        }

        var isFederated = settings.Training.Method == TrainingMethods.FedLora;
        var blocks = isFederated ? model.Shape.Layers : SplitLoraRun.DeviceBlocks(settings, model.Shape.Layers);
        return new MethodSpec(
            settings.Training.Method,
            new StageSpec(
                model.Fingerprint, trainer.Task, trainer.Labels, trainer.Cut, 0, blocks, trainer.Lora.Rank, trainer.Lora.Alpha, trainer.Lora.Dropout,
                [.. trainer.Lora.Targets], trainer.WeightDecay, trainer.ClipNorm, trainer.Seed, settings.Training.Threads),
            isFederated && settings.FedLora.Variant == FedLoraVariant.Ffa, !isFederated || settings.FedLora.KeepOptimizer, settings.Training.BatchSize,
            settings.Training.MicroBatchSize, settings.Training.Order.Text, settings.Channel.MaxFrameBytes);
    }

    /// <summary>What a device trains.</summary>
    internal static TrainerSpec Trainer(MethodSpec spec) => spec.Stage.Trainer() with { FreezeA = spec.FreezeA };

    /// <summary>The order in which a device trains its samples.</summary>
    /// <exception cref="InvalidOperationException">This build does not know it.</exception>
    internal static LocalOrder Order(MethodSpec spec) => new(
        spec.Stage.Seed, spec.BatchSize, spec.MicroBatchSize,
        SampleOrder.Parse(spec.Order) ?? throw new InvalidOperationException($"Samples are to be put into order \"{spec.Order}\", which this build does not know."));
}
