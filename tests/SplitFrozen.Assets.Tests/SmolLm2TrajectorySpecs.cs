using SplitFrozen.Domain.Models;
using SplitFrozen.Model;
using SplitFrozen.Model.Tests.Support;
using SplitFrozen.Model.Training;

namespace SplitFrozen.Assets.Tests;

/// <summary>Training of a published model, from a GGUF file of 4-bit weights, against trajectories made with Hugging Face peft.</summary>
public sealed class SmolLm2TrajectorySpecs
{
    private const int Cut = 15;
    private const double LearningRate = 5e-4;
    private const double Tolerance = 1e-4;

    /// <remarks>
    /// Losses, norms and each matrix as a whole keep to the tolerances; single elements end up to 13 % of the largest change from the recorded ones, where classification keeps to 1 %. The recorded
    /// losses are too low by about 9e-6 (see <see cref="SmolLm2Specs.Should_sum_a_large_vocabulary_exactly"/>), and with the log of the sum of exponentials as much too low all elements agreed within 1 %.
    /// </remarks>
    [Fact]
    public void Should_follow_the_reference_trajectory_of_language_modelling() =>
        Follow("lm_lora", Specs.Language(Cut, rank: 8, alpha: 16), (stage, adapters) => ReferenceTrajectory.CheckAdapterDistances(stage, adapters, 1e-2));

    [Fact]
    public void Should_follow_the_reference_trajectory_of_classification() =>
        Follow("cls_lora", Specs.Classify(labels: 77, Cut, rank: 8, alpha: 16), ReferenceTrajectory.CheckAdapters);

    private static void Follow(string name, TrainerSpec spec, Action<TrainerStage, string> checkAdapters)
    {
        var golden = Json.Read(AssetsFolder.Find("golden", "smollm2-135m", $"{name}.json"));
        string adapters = AssetsFolder.Find("golden", "smollm2-135m", name);
        var model = HuggingFaceModel.Open(AssetsFolder.Find("models", "smollm2-135m"));
        using var blocks = model.LoadFrozen(Cut);
        using var stage = (TrainerStage)model.LoadTrainer(spec);
        stage.LoadAdapter(Path.Combine(adapters, "start"));
        ReferenceTrajectory.CheckSteps(golden, stage, ReferenceTrajectory.Batches(golden, blocks, Cut), LearningRate, Tolerance);
        checkAdapters(stage, adapters);
    }
}
