using System.Buffers.Binary;
using System.IO.Hashing;

using SplitFrozen.Actors.Channel;
using SplitFrozen.Protocol;

using Xunit;

namespace SplitFrozen.Actors.Tests.Channel;

public sealed class FrameSpecs
{
    private const int Width = 4;
    private static readonly DeviceId Phone = new("phone-3");
    private static readonly Incarnation Life = new(42);
    private static readonly ChannelRules Rules = new(Width, 4, 16, 4096, TaskKind.Classification, 77);

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
        using var read = new FrameReader(rules, Phone, Life).Read(new MemoryStream(Written(unit)))!;

        Assert.Equal(unit.Header.Targets, read.Header.Targets);
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
        var reader = new FrameReader(Rules with { MaxFrameBytes = 100 }, Phone, Life);
        Assert.Equal(FrameFault.BadSizes, Assert.Throws<FrameException>(() => reader.Read(new MemoryStream(Written(unit)))).Fault);
    }

    [Fact(DisplayName = "Twenty thousand mutated frames harm nothing")]
    public void Should_survive_mutations()
    {
        using var unit = Unit();
        var bytes = Written(unit);
        var random = new Random(7);
        for (var round = 0; round < 20_000; round++)
        {
            var damaged = bytes.ToArray();
            for (var change = 0; change <= random.Next(4); change++)
            {
                damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            }

            if (random.Next(2) == 0)
            {
                Repair(damaged);
            }

            try
            {
                using var read = Read(damaged);
                Assert.NotNull(read);
                Assert.True(read.Header.Tokens * Width == read.Values.Length);
            }
            catch (FrameException e)
            {
                Assert.True(Enum.IsDefined(e.Fault));
            }
        }
    }

    private static ActivationUnit Unit(int depth = 2, int[]? samples = null, int[]? lengths = null, int[]? targets = null, long life = 42)
    {
        var unit = new ActivationUnit(new UnitHeader(
            Phone, new Incarnation(life), new AllocationEpoch(1), new GrantId(1, 5), 3, depth, Width, samples ?? [9, 2], lengths ?? [3, 2], targets ?? [7, 76]));
        for (var i = 0; i < unit.Values.Length; i++)
        {
            unit.Values.Span[i] = MathF.Sin(i) * 1e3f;
        }

        return unit;
    }

    private static byte[] Written(ActivationUnit unit)
    {
        using var stream = new MemoryStream();
        var bytes = FrameWriter.Write(stream, unit);
        Assert.Equal(stream.Length, bytes);
        return stream.ToArray();
    }

    private static ActivationUnit? Read(byte[] bytes) => new FrameReader(Rules, Phone, Life).Read(new MemoryStream(bytes));

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

    /// <summary>Makes the header's checksum right again, so that a mutation reaches the checks behind it.</summary>
    private static void Repair(byte[] bytes)
    {
        var size = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(FrameLayout.HeaderBytes));
        if (size > FrameLayout.FixedBytes && size <= bytes.Length)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(size - 8), XxHash3.HashToUInt64(bytes.AsSpan(0, size - 8)));
        }
    }
}
