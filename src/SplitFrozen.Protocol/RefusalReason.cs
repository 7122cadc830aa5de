namespace SplitFrozen.Protocol;

/// <summary>Why a device was refused.</summary>
public enum RefusalReason
{
    /// <summary>The id is taken by a device that is alive elsewhere.</summary>
    IdTaken,

    /// <summary>The device's model folder is not the server's.</summary>
    OtherModel,

    /// <summary>The device speaks another version of the protocol.</summary>
    OtherVersion,

    /// <summary>Its node is set to another method.</summary>
    OtherMethod,

    /// <summary>The id is not well-formed, or names no part of the shared data.</summary>
    BadId,

    /// <summary>What it sent over the activation channel was refused again and again.</summary>
    BadFrames,

    /// <summary>The run takes no more devices.</summary>
    RunClosed,

    /// <summary>The device's node and the server were told differently whether a standby server may take over.</summary>
    OtherStandby,
}
