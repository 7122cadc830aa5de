using System.Buffers.Binary;

using SplitFrozen.Actors.Channel;

namespace SplitFrozen.TestKit.Faults;

/// <summary>By what the bytes that one end of a connection writes are told into frames.</summary>
/// <param name="FirstBytes">Bytes of what comes first: a greeting or the answer to one.</param>
/// <param name="FixedBytes">Bytes of a frame that hold its sizes.</param>
/// <param name="HeaderBytes">Where the size of its header stands.</param>
/// <param name="PayloadBytes">Where the size of its payload stands.</param>
internal sealed record FrameShape(int FirstBytes, int FixedBytes, int HeaderBytes, int PayloadBytes)
{
    /// <summary>What a device writes to the activation channel.</summary>
    public static FrameShape OfDevice { get; } = new(ChannelGreeting.Bytes, FrameLayout.FixedBytes, FrameLayout.HeaderBytes, FrameLayout.PayloadBytes);

    /// <summary>What a server node writes to another that it has dialled.</summary>
    public static FrameShape OfStageThatDials { get; } = OfStages(ChannelGreeting.Bytes);

    /// <summary>What a server node writes to another that has dialled it.</summary>
    public static FrameShape OfStageThatAnswers { get; } = OfStages(ChannelGreeting.AnswerBytes);

    /// <summary>The size of the frame that begins here, or null while too little of it is there.</summary>
    public int? Size(ReadOnlySpan<byte> bytes) => bytes.Length < FixedBytes ? null
        : BinaryPrimitives.ReadInt32LittleEndian(bytes[HeaderBytes..]) + BinaryPrimitives.ReadInt32LittleEndian(bytes[PayloadBytes..]);

    private static FrameShape OfStages(int first) => new(first, StageFrameLayout.FixedBytes, StageFrameLayout.HeaderBytes, StageFrameLayout.PayloadBytes);
}
