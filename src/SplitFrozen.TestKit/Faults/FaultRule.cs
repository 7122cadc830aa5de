using System.Globalization;

using SplitFrozen.Protocol;

namespace SplitFrozen.TestKit.Faults;

/// <summary>One fault: what goes wrong, where, and when.</summary>
/// <param name="Point">Where.</param>
/// <param name="Kind">What.</param>
/// <param name="At">How many matching messages, frames or operations pass before it strikes.</param>
public sealed record FaultRule(FaultPoint Point, FaultKind Kind, int At)
{
    /// <summary>Only this device; null: whichever comes.</summary>
    public DeviceId? Device { get; init; }

    /// <summary>Only control messages of this type, by its name without namespace, such as Grant; null: all.</summary>
    public string? Message { get; init; }

    /// <summary>
    /// How long it lasts; for <see cref="FaultKind.SlowDown"/>: what each operation takes longer; for a crash of a device or a server node: how long it is away; for
    /// <see cref="FaultKind.ClockJump"/>: by how much, back where it is negative.
    /// </summary>
    public TimeSpan For { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>How many matching ones in a row it strikes.</summary>
    public int Times { get; init; } = 1;

    /// <summary>Whether the kind can happen at the point.</summary>
    public static bool IsSupported(FaultPoint point, FaultKind kind) => point switch
    {
        FaultPoint.ToServer or FaultPoint.ToDevice =>
            kind is FaultKind.Drop or FaultKind.Delay or FaultKind.Duplicate or FaultKind.Reorder or FaultKind.Corrupt or FaultKind.Partition,
        FaultPoint.Channel => kind is not (FaultKind.Pause or FaultKind.Partition or FaultKind.ClockJump),
        FaultPoint.Device => kind is FaultKind.Crash or FaultKind.Pause or FaultKind.SlowDown or FaultKind.Partition or FaultKind.ClockJump,
        FaultPoint.Server => kind is FaultKind.Crash or FaultKind.Pause or FaultKind.SlowDown or FaultKind.ClockJump,
        FaultPoint.Stages => kind is FaultKind.Drop or FaultKind.Delay or FaultKind.Corrupt or FaultKind.Crash or FaultKind.SlowDown or FaultKind.Partition,
        _ => kind is FaultKind.Crash or FaultKind.Pause or FaultKind.SlowDown,
    };

    /// <summary>All points with the kinds that can happen there.</summary>
    public static IReadOnlyList<(FaultPoint Point, FaultKind Kind)> Supported { get; } =
    [
        .. Enum.GetValues<FaultPoint>().SelectMany(p => Enum.GetValues<FaultKind>().Select(k => (Point: p, Kind: k))).Where(f => IsSupported(f.Point, f.Kind)),
    ];

    /// <summary>Whether the point exists with several server nodes only.</summary>
    public static bool NeedsServers(FaultPoint point) => point is FaultPoint.Stages or FaultPoint.StageNode;

    /// <summary>Whether something that happens is of the kind that the rule counts.</summary>
    public bool Matches(FaultSite site) =>
        site.Point == Point && (Device is null || Device == site.Device) && (Message is null || Message == site.Message)
        && site.Activity == ActivityOf(Point, Kind);

    /// <inheritdoc/>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Point} {Kind} at {At}{(Times > 1 ? $" x{Times}" : "")}{(Message is null ? "" : $" of {Message}")}{(Device is { } id ? $" of {id}" : "")} for {For.TotalMilliseconds:0} ms");

    private static FaultActivity ActivityOf(FaultPoint point, FaultKind kind) =>
        kind == FaultKind.SlowDown && point is FaultPoint.Device ? FaultActivity.Compute
        : kind is FaultKind.Crash or FaultKind.ClockJump && point == FaultPoint.Server ? FaultActivity.Step
        : point is FaultPoint.Server or FaultPoint.StageNode ? FaultActivity.Compute
        : FaultActivity.Message;
}

/// <summary>What happens at a point.</summary>
public enum FaultActivity
{
    /// <summary>A message or a frame passes.</summary>
    Message,

    /// <summary>A forward unit of a device or a forward operation of the trainer begins.</summary>
    Compute,

    /// <summary>The server has made an optimiser step.</summary>
    Step,
}

/// <summary>Something that passes a point, and that faults may strike.</summary>
/// <param name="Point">Where.</param>
/// <param name="Activity">What happens.</param>
/// <param name="Device">Whose, or null.</param>
/// <param name="Message">Type of a control message, else empty.</param>
public readonly record struct FaultSite(FaultPoint Point, FaultActivity Activity, DeviceId? Device, string Message);
