using System.Buffers.Binary;

using SplitFrozen.Actors.Channel;
using SplitFrozen.Protocol;

using Xunit;

using static SplitFrozen.Actors.Tests.Channel.Support.Frames;

namespace SplitFrozen.Actors.Tests.Channel;

public sealed class FrameSpecs
{
    [Fact(DisplayName = "A unit survives the channel bit for bit")]
    public void Should_carry_a_unit()
    {
        using var unit = Unit();
        using var read = Read(Written(unit))!;

        Assert.Equivalent(unit.Header, read.Header, strict: true);
        Assert.Equal(unit.Values.ToArray(), read.Values.ToArray());
    }

    [Fact(DisplayName = "Language-model targets are one a token")]
    public void Should_carry_token_targets()
    {
        var rules = Rules with { Task = TaskKind.LanguageModel, TargetLimit = 500 };
        using var unit = Unit(targets: [1, 2, -100, 4, 499]);
        using var read = Read(Written(unit), rules)!;

        Assert.Equal(unit.Header.Targets, read.Header.Targets);
    }

    [Theory(DisplayName = "Every codec carries a unit of several pieces, and what is not finite is refused by all")]
    [InlineData(ActivationCodec.Fp32, 0f)]
    [InlineData(ActivationCodec.Bf16, 4f)]
    [InlineData(ActivationCodec.Int8, 4f)]
    [InlineData(ActivationCodec.Int4, 80f)]
    public void Should_carry_a_unit_by_any_codec(ActivationCodec codec, float bound)
    {
        var rules = new ChannelRules(96, 4, 16, 1 << 24, TaskKind.Classification, 77, codec, 4);
        var lengths = Enumerable.Repeat(16, 120).ToArray();
        using var unit = Unit(samples: [.. Enumerable.Range(0, 120)], lengths: lengths, targets: new int[120], width: 96);
        using var read = Read(Written(unit, codec: codec), rules)!;
        Assert.All(unit.Values.ToArray().Zip(read.Values.ToArray()), pair => Assert.InRange(Math.Abs(pair.First - pair.Second), 0, bound));

        unit.Values.Span[96 * 900] = float.NaN;
        Assert.Equal(FrameFault.NotFinite, Assert.Throws<FrameException>(() => Read(Written(unit, codec: codec), rules)).Fault);
        unit.Values.Span[96 * 900] = float.NegativeInfinity;
        Assert.Equal(FrameFault.NotFinite, Assert.Throws<FrameException>(() => Read(Written(unit, codec: codec), rules)).Fault);
    }

    [Fact(DisplayName = "A frame of a few bytes that decodes to more than the limit is refused")]
    public void Should_bound_what_is_decoded()
    {
        using var unit = Unit(width: 96);
        var rules = new ChannelRules(96, 4, 16, 1500, TaskKind.Classification, 77, ActivationCodec.Int4, 4);
        var frame = Written(unit, codec: ActivationCodec.Int4);

        Assert.True(frame.Length < 1500);
        Assert.Equal(FrameFault.BadSizes, Assert.Throws<FrameException>(() => Read(frame, rules)).Fault);
    }

    [Fact(DisplayName = "The end of the stream between two frames is no fault")]
    public void Should_end_quietly() => Assert.Null(Read([]));

    [Fact(DisplayName = "A frame cut off anywhere is truncated")]
    public void Should_notice_truncation()
    {
        using var unit = Unit();
        var bytes = Written(unit);
        for (var length = 1; length < bytes.Length; length++)
        {
            Assert.Equal(FrameFault.Truncated, Assert.Throws<FrameException>(() => Read(bytes[..length])).Fault);
        }
    }

    [Fact(DisplayName = "A flipped bit anywhere is noticed")]
    public void Should_notice_each_flipped_bit()
    {
        using var unit = Unit();
        var bytes = Written(unit);
        for (var bit = 0; bit < bytes.Length * 8; bit++)
        {
            var damaged = bytes.ToArray();
            damaged[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Throws<FrameException>(() => Read(damaged));
        }
    }

    [Theory(DisplayName = "Sizes that lie are refused before anything is allocated for them")]
    [InlineData(FrameLayout.HeaderBytes, int.MaxValue)]
    [InlineData(FrameLayout.PayloadBytes, int.MaxValue)]
    [InlineData(FrameLayout.PayloadBytes, -4)]
    [InlineData(FrameLayout.Samples, 1 << 29)]
    [InlineData(FrameLayout.Samples, 0)]
    [InlineData(FrameLayout.Tokens, int.MaxValue)]
    [InlineData(FrameLayout.Targets, 1 << 30)]
    [InlineData(FrameLayout.Width, 1 << 20)]
    public void Should_refuse_lying_sizes(int at, int value)
    {
        using var unit = Unit();
        var bytes = Written(unit);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(at), value);
        var before = GC.GetAllocatedBytesForCurrentThread();

        Assert.Equal(FrameFault.BadSizes, Assert.Throws<FrameException>(() => Read(bytes)).Fault);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 200_000);
    }

    [Fact(DisplayName = "What is not a frame, of another version or codec is refused as such")]
    public void Should_refuse_strangers()
    {
        Assert.Equal(FrameFault.NotAFrame, Fault(b => b[0] ^= 1));
        Assert.Equal(FrameFault.OtherVersion, Fault(b => b[FrameLayout.Version]++));
        Assert.Equal(FrameFault.UnknownCodec, Fault(b => b[FrameLayout.Codec] = 9));
    }

    [Fact(DisplayName = "A well-formed header with values out of range is refused")]
    public void Should_refuse_bad_values()
    {
        Assert.Equal(FrameFault.BadHeader, Refused(Unit(depth: 5)));
        Assert.Equal(FrameFault.BadHeader, Refused(Unit(depth: 0)));
        Assert.Equal(FrameFault.BadHeader, Refused(Unit(targets: [3, 77])));
        Assert.Equal(FrameFault.BadHeader, Refused(Unit(targets: [3, -100])));
        Assert.Equal(FrameFault.BadHeader, Refused(Unit(samples: [5, -1])));
        Assert.Equal(FrameFault.BadHeader, Refused(Unit(lengths: [17, 1])));
        Assert.Equal(FrameFault.StaleIncarnation, Refused(Unit(life: 41)));
    }

    [Theory(DisplayName = "Activations that are not finite are refused")]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void Should_refuse_what_is_not_finite(float value)
    {
        var unit = Unit();
        unit.Values.Span[7] = value;
        Assert.Equal(FrameFault.NotFinite, Refused(unit));
    }

    [Fact(DisplayName = "A frame above the limit is refused")]
    public void Should_keep_to_the_limit()
    {
        using var unit = Unit();
        Assert.Equal(FrameFault.BadSizes, Assert.Throws<FrameException>(() => Read(Written(unit), Rules with { MaxFrameBytes = 100 })).Fault);
    }

    private static FrameFault Refused(ActivationUnit unit)
    {
        using (unit)
        {
            return Assert.Throws<FrameException>(() => Read(Written(unit))).Fault;
        }
    }

    private static FrameFault Fault(Action<byte[]> damage)
    {
        using var unit = Unit();
        var bytes = Written(unit);
        damage(bytes);
        return Assert.Throws<FrameException>(() => Read(bytes)).Fault;
    }
}
