using SplitFrozen.Actors.Channel;
using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Tests.Channel.Support;

/// <summary>Units, rules and frames of a model of width 4 with 77 labels.</summary>
internal static class Frames
{
    public const int Width = 4;

    public static DeviceId Phone { get; } = new("phone-3");

    public static Incarnation Life { get; } = new(42);

    public static ChannelRules Rules { get; } = new(Width, 4, 16, 4096, TaskKind.Classification, 77, ActivationCodec.Fp32, 4);

    public static ActivationUnit Unit(
        int depth = 2, int[]? samples = null, int[]? lengths = null, int[]? targets = null, long life = 42, int allocation = 1, GrantId? grant = null, int width = Width)
    {
        var unit = new ActivationUnit(new UnitHeader(
            Phone, new Incarnation(life), new AllocationEpoch(allocation), grant ?? new GrantId(1, 5), 3, depth, width,
            samples ?? [9, 2], lengths ?? [3, 2], targets ?? [7, 76]));
        for (var i = 0; i < unit.Values.Length; i++)
        {
            unit.Values.Span[i] = MathF.Sin(i) * 1e3f;
        }

        return unit;
    }

    public static byte[] Written(ActivationUnit unit, int sequence = 0, ActivationCodec codec = ActivationCodec.Fp32)
    {
        using var stream = new MemoryStream();
        var bytes = new FrameWriter(codec).Write(stream, unit, sequence);
        Xunit.Assert.Equal(stream.Length, bytes);
        return stream.ToArray();
    }

    public static ActivationUnit? Read(byte[] bytes, ChannelRules? rules = null) =>
        new FrameReader(rules ?? Rules, Phone, Life, (header, _) => new ActivationUnit(header)).Read(new MemoryStream(bytes));
}
