using System.Buffers;
using System.Buffers.Binary;
using System.IO.Hashing;
using System.Runtime.InteropServices;

using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Channel;

/// <summary>Reads frames, distrusting every byte: nothing is allocated by a length that the rules do not allow. Used by one thread at a time.</summary>
/// <param name="rules">What frames must keep to.</param>
/// <param name="device">Whose connection it is.</param>
/// <param name="incarnation">The life of the device that opened it.</param>
/// <param name="admit">
/// Given a header that keeps to the rules and the frame's place in its life: makes room for the activations, waits for it, or refuses the frame.
/// </param>
internal sealed class FrameReader(ChannelRules rules, DeviceId device, Incarnation incarnation, Func<UnitHeader, int, ActivationUnit> admit)
{
    private readonly PayloadReader _payload = new();
    private readonly byte[] _fixed = new byte[FrameLayout.FixedBytes];

    /// <summary>Reads one frame with blocking reads.</summary>
    /// <returns>The unit, or null when the stream ended between two frames.</returns>
    /// <exception cref="FrameException">The frame was refused.</exception>
    public ActivationUnit? Read(Stream stream)
    {
        var first = stream.ReadAtLeast(_fixed, _fixed.Length, throwOnEndOfStream: false);
        if (first == 0)
        {
            return null;
        }

        FrameException.Require(first == _fixed.Length, FrameFault.Truncated, "the connection ended inside a header");
        var sizes = CheckSizes();
        var buffer = ArrayPool<byte>.Shared.Rent(sizes.HeaderBytes);
        try
        {
            var whole = buffer.AsSpan(0, sizes.HeaderBytes);
            _fixed.CopyTo(whole);
            PayloadReader.Fill(stream, whole[FrameLayout.FixedBytes..]);
            return ReadPayload(stream, ReadHeader(whole, sizes), Int(whole, FrameLayout.Sequence));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private Sizes CheckSizes()
    {
        ReadOnlySpan<byte> at = _fixed;
        FrameException.Require(BinaryPrimitives.ReadUInt32LittleEndian(at) == FrameLayout.Magic, FrameFault.NotAFrame, "the bytes are not a frame");
        var version = BinaryPrimitives.ReadUInt16LittleEndian(at[FrameLayout.Version..]);
        FrameException.Require(version == ProtocolVersion.Current, FrameFault.OtherVersion, $"frame version {version}, this node speaks {ProtocolVersion.Current}");
        FrameException.Require(at[FrameLayout.Codec] == (byte)rules.Codec, FrameFault.UnknownCodec, $"codec {at[FrameLayout.Codec]}, the run has {rules.Codec}");

        var sizes = new Sizes(Int(at, FrameLayout.HeaderBytes), Int(at, FrameLayout.PayloadBytes), Int(at, FrameLayout.Samples), Int(at, FrameLayout.Tokens), Int(at, FrameLayout.Targets));
        FrameException.Require(
            sizes is { HeaderBytes: > 0, PayloadBytes: > 0, Samples: > 0, Tokens: > 0, Targets: > 0 } && sizes.Tokens >= sizes.Samples
            && (long)sizes.HeaderBytes + sizes.PayloadBytes <= rules.MaxFrameBytes && 4L * sizes.Tokens * rules.Width <= rules.MaxFrameBytes,
            FrameFault.BadSizes, $"sizes {sizes} exceed the limit of {rules.MaxFrameBytes} bytes (splitfrozen.channel.max-frame-bytes) or are not positive");
        FrameException.Require(Int(at, FrameLayout.Width) == rules.Width, FrameFault.BadSizes, $"width {Int(at, FrameLayout.Width)}, the model has {rules.Width}");
        FrameException.Require(
            sizes.Targets == (rules.Task == TaskKind.Classification ? sizes.Samples : sizes.Tokens)
            && sizes.HeaderBytes == FrameLayout.HeaderSize(sizes.Samples, sizes.Targets)
            && sizes.PayloadBytes == PayloadWriter.Size(rules.Codec, sizes.Tokens, rules.Width),
            FrameFault.BadSizes, $"sizes {sizes} contradict each other");
        return sizes;
    }

    private UnitHeader ReadHeader(ReadOnlySpan<byte> whole, Sizes sizes)
    {
        FrameException.Require(
            BinaryPrimitives.ReadUInt64LittleEndian(whole[^FrameLayout.ChecksumBytes..]) == XxHash3.HashToUInt64(whole[..^FrameLayout.ChecksumBytes]),
            FrameFault.BadChecksum, "the header's checksum does not match");
        var life = BinaryPrimitives.ReadInt64LittleEndian(whole[FrameLayout.Incarnation..]);
        FrameException.Require(life == incarnation.Value, FrameFault.StaleIncarnation, $"incarnation {life}, the connection was opened by {incarnation.Value}");

        var values = MemoryMarshal.Cast<byte, int>(whole[FrameLayout.FixedBytes..^FrameLayout.ChecksumBytes]);
        var samples = values[..sizes.Samples].ToArray();
        var lengths = values.Slice(sizes.Samples, sizes.Samples).ToArray();
        var targets = values[(2 * sizes.Samples)..].ToArray();
        var depth = Int(whole, FrameLayout.Depth);
        FrameException.Require(depth >= 1 && depth <= rules.Cut, FrameFault.BadHeader, $"depth {depth} is outside 1..{rules.Cut}");
        FrameException.Require(Array.TrueForAll(samples, s => s >= 0), FrameFault.BadHeader, "a sample index is negative");
        FrameException.Require(Array.TrueForAll(lengths, l => l >= 1 && l <= rules.MaxLength), FrameFault.BadHeader, $"a sample's length is outside 1..{rules.MaxLength}");
        FrameException.Require(lengths.Sum(l => (long)l) == sizes.Tokens, FrameFault.BadHeader, "the lengths do not add up to the tokens");
        FrameException.Require(Array.TrueForAll(targets, IsTarget), FrameFault.BadHeader, $"a target is outside 0..{rules.TargetLimit - 1}");
        return new UnitHeader(
            device, incarnation, new AllocationEpoch(Int(whole, FrameLayout.Allocation)),
            new GrantId(Int(whole, FrameLayout.GrantEpoch), Int(whole, FrameLayout.GrantNumber)), Int(whole, FrameLayout.Unit),
            depth, rules.Width, samples, lengths, targets);
    }

    private bool IsTarget(int target) =>
        (target >= 0 && target < rules.TargetLimit) || (rules.Task == TaskKind.LanguageModel && target == Domain.Models.Target.Ignored);

    private ActivationUnit ReadPayload(Stream stream, UnitHeader header, int sequence)
    {
        var unit = admit(header, sequence);
        try
        {
            _payload.Read(stream, rules.Codec, unit.Values.Span, rules.Width);
            return unit;
        }
        catch
        {
            unit.Dispose();
            throw;
        }
    }

    private static int Int(ReadOnlySpan<byte> from, int at) => BinaryPrimitives.ReadInt32LittleEndian(from[at..]);

    private readonly record struct Sizes(int HeaderBytes, int PayloadBytes, int Samples, int Tokens, int Targets);
}
