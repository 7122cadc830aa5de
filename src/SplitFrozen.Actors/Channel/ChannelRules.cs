using System.Runtime.CompilerServices;

using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Channel;

/// <summary>What a frame must keep to before a buffer is rented for it and before anything of it reaches a tensor.</summary>
/// <param name="Width">Hidden size D of the model.</param>
/// <param name="Cut">The frozen line C: the largest depth.</param>
/// <param name="MaxLength">Longest sample in tokens.</param>
/// <param name="MaxFrameBytes">Largest frame, header and activations together.</param>
/// <param name="Task">Decides whether targets are one a sample or one a token.</param>
/// <param name="TargetLimit">Targets are below this: the number of labels, or the vocabulary.</param>
/// <param name="Codec">How activations are written in this run.</param>
/// <param name="Credits">Units that a device may have sent and not yet seen placed.</param>
public sealed record ChannelRules(int Width, int Cut, int MaxLength, int MaxFrameBytes, TaskKind Task, int TargetLimit,
    ActivationCodec Codec, int Credits);

/// <summary>Why a frame or connection was refused.</summary>
public enum FrameFault
{
    /// <summary>The first bytes are not those of a frame.</summary>
    NotAFrame,

    /// <summary>Another version of the protocol.</summary>
    OtherVersion,

    /// <summary>A codec that this build does not know, or that the run does not have.</summary>
    UnknownCodec,

    /// <summary>A length, count or size contradicts another or a limit.</summary>
    BadSizes,

    /// <summary>A value of the header is out of range.</summary>
    BadHeader,

    /// <summary>A checksum does not match.</summary>
    BadChecksum,

    /// <summary>An activation is not a finite number.</summary>
    NotFinite,

    /// <summary>The frame's incarnation is not the connection's.</summary>
    StaleIncarnation,

    /// <summary>The allocation epoch was never given to the device, is older than one it used before, or has another depth.</summary>
    StaleAllocation,

    /// <summary>The frame is not the next of its life.</summary>
    OutOfSequence,

    /// <summary>The device has no credit for the unit.</summary>
    NoCredit,

    /// <summary>The unit belongs to a grant that did not go out yet.</summary>
    NotGranted,

    /// <summary>The connection ended in the middle of a frame.</summary>
    Truncated,

    /// <summary>The token is unknown: not one of a device's present life.</summary>
    NotAdmitted,

    /// <summary>The peer did not prove by its certificate that it belongs here, or spoke no TLS.</summary>
    NotTrusted,

    /// <summary>A peer connected and did not say who it is in time, or too many such waited.</summary>
    Silent,

    /// <summary>The device opens more connections than it may.</summary>
    TooOften,

    /// <summary>Something on the server failed over what came; it is not known whose fault that is.</summary>
    Unexpected,
}

/// <summary>A frame or connection was refused; the connection cannot be trusted any more and is closed.</summary>
public sealed class FrameException : Exception
{
    /// <summary>A refusal of the given kind.</summary>
    public FrameException(FrameFault fault, string message) : base(message) => Fault = fault;

    /// <summary>Its kind.</summary>
    public FrameFault Fault { get; }

    /// <summary>Whether it may come from the way between the nodes, or from the server itself; sending again may then help. All else is a fault of the peer.</summary>
    internal bool MayBeTransient => Fault is FrameFault.Truncated || CountsAsDamage;

    /// <summary>Whether it may happen now and then without anybody's fault, but not again and again.</summary>
    internal bool CountsAsDamage => Fault is FrameFault.BadChecksum or FrameFault.Unexpected;

    /// <summary>Throws if something does not hold.</summary>
    internal static void Require(bool holds, FrameFault fault, [InterpolatedStringHandlerArgument(nameof(holds))] ref RefusalText text)
    {
        if (!holds)
        {
            throw new FrameException(fault, text.ToString());
        }
    }

    /// <summary>Throws if something does not hold.</summary>
    internal static void Require(bool holds, FrameFault fault, string text)
    {
        if (!holds)
        {
            throw new FrameException(fault, text);
        }
    }
}

/// <summary>An interpolated text that is only put together when it is needed: checks run for every frame, and nearly all hold.</summary>
[InterpolatedStringHandler]
internal ref struct RefusalText
{
    private DefaultInterpolatedStringHandler _text;

    public RefusalText(int literalLength, int formattedCount, bool holds, out bool isNeeded)
    {
        isNeeded = !holds;
        _text = holds ? default : new DefaultInterpolatedStringHandler(literalLength, formattedCount);
    }

    public void AppendLiteral(string text) => _text.AppendLiteral(text);

    public void AppendFormatted<T>(T value) => _text.AppendFormatted(value);

    public override string ToString() => _text.ToStringAndClear();
}
