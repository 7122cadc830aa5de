using SplitFrozen.Cli.Runs;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Domain.Sampling;
using SplitFrozen.Protocol;

namespace SplitFrozen.Cli.Tests.Support;

/// <summary>Values that many specs need.</summary>
internal static class Examples
{
    public static readonly DeviceId Phone = new("phone");
    public static readonly DeviceId Board = new("board");

    public static PartitionRecord Partition { get; } = new(
        new PartitionSpec(PartitionKind.Dirichlet, 2, 0.1, 20, 0.1, 0, 7),
        new PartitionSummary("ab12", 10, [new PartSummary(60, 3, 0.5), new PartSummary(40, 2, 0.25)]))
    {
        File = PartitionFile.Of(new Partition([[1, 2], [0]], [3]), 4, [0, 1, 0, 1]),
    };

    public static RunStart Start { get; } = new("splitfrozen { }\n", Versions.Current("torch 1"), Partition, new RunIdentity("model-a", "evaluation-a", "validation-a", "ab12"));

    public static RunSummary Summary(bool completed = true) => new(
        "splitfrozen", 7, 5, 4, "Classification", "test", "100 training rows", 0.0125, completed ? 0.802 : null, 0.797, 4.41, completed ? 0.781 : null,
        4.4, 0.41, 280, 45_015, 45_015, 252.4, "1f2e", 158_560, 39_360, new StageSeconds(12, 61.5, 70, 3.25, 0.5, 20, 14), completed, true, ["A remark."],
        [
            new DeviceSummary("board", "rpi", 1, "0.20 of the strongest", 400, 2000, 3.9e9, 3_334_471, 2.4, 0, 24),
            new DeviceSummary("phone", "flagship", 4, "1.00 of the strongest", 600, 3000, 1.26e12, 25_334_471_000, 161, 0, 24),
        ]);

    /// <summary>A run of two epochs of two steps on two devices, up to its end.</summary>
    public static IReadOnlyList<RunEvent> Run(RunSummary summary) =>
    [
        new RunEvent.NodeJoined("server", "server", "akka.tcp://splitfrozen@127.0.0.1:4053"),
        new RunEvent.Waiting("2 more of 2 devices"),
        new RunEvent.DeviceJoined(Phone, "flagship", 1600, new Capacity(8800, 1 << 30)),
        new RunEvent.DeviceJoined(Board, "rpi", 400, new Capacity(1760, 1 << 30)),
        new RunEvent.TrainingStarted(2, 2, 100, 39_360),
        new RunEvent.LayersAssigned(Phone, new AllocationEpoch(1), 4, "1.00 of the strongest: 4 × 1.00 ≈ 4"),
        new RunEvent.LayersAssigned(Board, new AllocationEpoch(1), 1, "0.20 of the strongest: 4 × 0.20 ≈ 1"),
        new RunEvent.Evaluated("before", 0, new TargetScore(441, 100, 1)),
        Step(0, 0, 2.0, 50),
        Step(0, 1, 1.0, 100),
        new RunEvent.Evaluated("validation", 1, new TargetScore(120, 100, 67)),
        new RunEvent.DeviceProblem(Board, "its node was lost"),
        Step(1, 2, 0.8, 150),
        new RunEvent.CheckpointWritten("/runs/a/checkpoint", 3),
        Step(1, 3, 0.5, 200),
        new RunEvent.Evaluated("after", 2, new TargetScore(78, 100, 80)),
        new RunEvent.Ended(summary),
        new RunEvent.NodeLeft("flagship", "device"),
    ];

    private static RunEvent.StepDone Step(int epoch, int step, double meanLoss, long trained) =>
        new(epoch, step, new TargetScore(meanLoss * 50, 50, 5), 1.5, 3e-3, trained, 64);
}
