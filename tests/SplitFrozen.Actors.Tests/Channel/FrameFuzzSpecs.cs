using System.Buffers.Binary;
using System.IO.Hashing;

using SplitFrozen.Actors.Channel;
using SplitFrozen.Protocol;

using Xunit;
using Xunit.Abstractions;

using static SplitFrozen.Actors.Tests.Channel.Support.Frames;

namespace SplitFrozen.Actors.Tests.Channel;

/// <summary>Hostile frames by the hundred thousand: whatever happens to the bytes, the reader refuses or gives a unit that keeps to the rules.</summary>
public sealed class FrameFuzzSpecs(ITestOutputHelper output)
{
    private const int FramesEach = 40_000;
    private const int Seed = 20261125;
    private const int MostArrayBytes = 64 * 1024;

    [Theory(DisplayName = "Forty thousand mutated frames of each codec harm nothing")]
    [InlineData(ActivationCodec.Fp32)]
    [InlineData(ActivationCodec.Bf16)]
    [InlineData(ActivationCodec.Int8)]
    [InlineData(ActivationCodec.Int4)]
    public void Should_survive_mutations(ActivationCodec codec)
    {
        output.WriteLine($"seed {Seed}");
        var rules = Rules with { Codec = codec };
        using var unit = Unit();
        var original = Written(unit, codec: codec);
        var random = new Random(Seed + (int)codec);
        var outcomes = new Dictionary<string, int>();
        for (var round = 0; round < FramesEach; round++)
        {
            var outcome = Outcome(Mutated(original, random), rules);
            outcomes[outcome] = outcomes.GetValueOrDefault(outcome) + 1;
        }

        output.WriteLine(string.Join(", ", outcomes.Select(o => $"{o.Value} {o.Key}")));
        Assert.Equal(FramesEach, outcomes.Values.Sum());

        // The mutations reach every check that needs nothing but the frame.
        FrameFault[] reached =
        [
            FrameFault.NotAFrame, FrameFault.OtherVersion, FrameFault.UnknownCodec, FrameFault.BadSizes, FrameFault.BadHeader, FrameFault.BadChecksum,
            FrameFault.NotFinite, FrameFault.StaleIncarnation, FrameFault.Truncated,
        ];
        Assert.All(reached, fault => Assert.Contains(fault.ToString(), outcomes.Keys));
        Assert.Contains("taken", outcomes.Keys);
    }

    /// <summary>Feeds one frame to a reader.</summary>
    /// <returns>The fault, or that it was taken.</returns>
    private static string Outcome(byte[] frame, ChannelRules rules)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            using var read = Read(frame, rules);
            Assert.NotNull(read);
            Assert.InRange(read.Header.Depth, 1, rules.Cut);
            Assert.Equal(read.Header.Tokens * Width, read.Values.Length);
            Assert.All(read.Values.ToArray(), value => Assert.True(float.IsFinite(value)));
            return "taken";
        }
        catch (FrameException e)
        {
            return e.Fault.ToString();
        }
        finally
        {
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, MostArrayBytes);
        }
    }

    private static byte[] Mutated(byte[] original, Random random)
    {
        var frame = original.ToArray();
        for (var change = random.Next(4); change >= 0; change--)
        {
            Change(frame, random);
        }

        if (random.Next(4) != 0)
        {
            Repair(frame);
        }

        return random.Next(16) == 0 ? frame[..random.Next(1, frame.Length)] : frame;
    }

    private static void Change(byte[] frame, Random random)
    {
        var at = random.Next(3) == 0 ? random.Next(frame.Length) : random.Next(FrameLayout.FixedBytes + 32);
        switch (random.Next(4))
        {
            case 0:
                frame[at] ^= (byte)(1 << random.Next(8));
                break;
            case 1:
                frame[at] = (byte)random.Next(256);
                break;
            case 2:
                BinaryPrimitives.WriteInt32LittleEndian(frame.AsSpan(Math.Min(at & ~3, frame.Length - 4)), random.Next(-3, 6));
                break;
            default:
                BinaryPrimitives.WriteInt32LittleEndian(frame.AsSpan(Math.Min(at & ~3, frame.Length - 4)), Extreme(random));
                break;
        }
    }

    /// <summary>Sizes at the edge of what fits, and infinity and NaN of each width.</summary>
    private static int Extreme(Random random)
    {
        int[] extremes = [int.MaxValue, int.MinValue, -1, 1 << 30, 0x7f800000, 0x7fc00000, 0x7c007c00, 4096];
        return extremes[random.Next(extremes.Length)];
    }

    /// <summary>Makes the checksums right again, so that a mutation reaches the checks behind them.</summary>
    private static void Repair(byte[] frame)
    {
        long size = BinaryPrimitives.ReadInt32LittleEndian(frame.AsSpan(FrameLayout.HeaderBytes));
        if (size > FrameLayout.FixedBytes + 8 && size + 16 <= frame.Length)
        {
            var end = (int)size;
            BinaryPrimitives.WriteUInt64LittleEndian(frame.AsSpan(end - 8), XxHash3.HashToUInt64(frame.AsSpan(0, end - 8)));
            BinaryPrimitives.WriteUInt64LittleEndian(frame.AsSpan(frame.Length - 8), XxHash3.HashToUInt64(frame.AsSpan(end..^8)));
        }
    }
}
