namespace SplitFrozen.Protocol;

/// <summary>Version of the control messages and of the activation channel's frames; nodes of different versions refuse each other.</summary>
public static class ProtocolVersion
{
    /// <summary>The version this build speaks.</summary>
    public const int Current = 4;
}
