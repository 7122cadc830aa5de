namespace SplitFrozen.Domain.Scheduling;

/// <summary>The order in which the stages of a pipeline run the micro-batches of a global batch.</summary>
public enum ScheduleKind
{
    /// <summary>One micro-batch at a time goes up and down through all stages.</summary>
    Sequential,

    /// <summary>All forwards, then all backwards (Huang et al. 2019).</summary>
    GPipe,

    /// <summary>A few forwards ahead, then one forward and one backward in turn (Narayanan et al. 2019).</summary>
    OneForwardOneBackward,

    /// <summary>As 1F1B, with W apart from B and put where stages would wait (Qi et al. 2024, "Zero Bubble Pipeline Parallelism").</summary>
    ZbH1,
}

/// <summary>Names of the orders, as configuration and command line have them.</summary>
public static class ScheduleKinds
{
    private static readonly (string Name, ScheduleKind Kind)[] All =
    [
        ("sequential", ScheduleKind.Sequential), ("gpipe", ScheduleKind.GPipe),
        ("1f1b", ScheduleKind.OneForwardOneBackward), ("zb-h1", ScheduleKind.ZbH1),
    ];

    /// <summary>All names.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. All.Select(k => k.Name)];

    /// <summary>The order of a name, or null when there is none of that name.</summary>
    public static ScheduleKind? Find(string name) =>
        Array.FindIndex(All, k => k.Name == name) is >= 0 and var at ? All[at].Kind : null;

    /// <summary>The name of an order.</summary>
    public static string Name(this ScheduleKind kind) => Array.Find(All, k => k.Kind == kind).Name;
}
