using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Channel;

/// <summary>What a frame must keep to before a buffer is rented for it and before anything of it reaches a tensor.</summary>
/// <param name="Width">Hidden size D of the model.</param>
/// <param name="Cut">The frozen line C: the largest depth.</param>
/// <param name="MaxLength">Longest sample in tokens.</param>
/// <param name="MaxFrameBytes">Largest frame, header and activations together.</param>
/// <param name="Task">Decides whether targets are one a sample or one a token.</param>
/// <param name="TargetLimit">Targets are below this: the number of labels, or the vocabulary.</param>
public sealed record ChannelRules(int Width, int Cut, int MaxLength, int MaxFrameBytes, TaskKind Task, int TargetLimit);

/// <summary>Why a frame or connection was refused.</summary>
public enum FrameFault
{
    /// <summary>The first bytes are not those of a frame.</summary>
    NotAFrame,

    /// <summary>Another version of the protocol.</summary>
    OtherVersion,

    /// <summary>A codec this build does not know.</summary>
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

    /// <summary>The connection ended in the middle of a frame.</summary>
    Truncated,

    /// <summary>The token is unknown or was used before, or the greeting is malformed.</summary>
    NotAdmitted,
}

/// <summary>A frame or connection was refused; the connection cannot be trusted any more and is closed.</summary>
public sealed class FrameException : Exception
{
    /// <summary>A refusal of the given kind.</summary>
    public FrameException(FrameFault fault, string message) : base(message) => Fault = fault;

    /// <summary>Its kind.</summary>
    public FrameFault Fault { get; }
}
