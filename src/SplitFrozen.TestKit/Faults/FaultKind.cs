namespace SplitFrozen.TestKit.Faults;

/// <summary>What goes wrong.</summary>
public enum FaultKind
{
    /// <summary>A message or frame is lost. On the channel, where TCP loses nothing while it holds, the connection breaks with it.</summary>
    Drop,

    /// <summary>A message or frame comes late; what follows does not wait for a message, but does for a frame.</summary>
    Delay,

    /// <summary>A message or frame comes twice.</summary>
    Duplicate,

    /// <summary>A message or frame changes places with the next one.</summary>
    Reorder,

    /// <summary>Bytes change on the way: a frame arrives with another value, a message cut short.</summary>
    Corrupt,

    /// <summary>A device or a server node ends without a word, and starts again; a connection breaks in mid-frame.</summary>
    Crash,

    /// <summary>Nothing moves for a time, and goes on then.</summary>
    Pause,

    /// <summary>Each of several operations takes longer.</summary>
    SlowDown,

    /// <summary>
    /// A device and the server, or two server nodes, do not reach each other for a time: messages wait, connections break and are not opened. At the control plane's points in
    /// that direction only, and the channel, which needs both, breaks.
    /// </summary>
    Partition,

    /// <summary>A node's clock of the day is set, forward or back.</summary>
    ClockJump,
}

/// <summary>Where it goes wrong.</summary>
public enum FaultPoint
{
    /// <summary>Control plane: what a device tells the server, as it arrives. Heartbeats and traces do not count.</summary>
    ToServer,

    /// <summary>Control plane: what the server tells a device, as it arrives.</summary>
    ToDevice,

    /// <summary>Activation channel: frames as a device writes them.</summary>
    Channel,

    /// <summary>A device; counted by the commands that it gets, slowness by its forward units.</summary>
    Device,

    /// <summary>The server; a crash and a jump of its clock are counted by optimiser steps, the rest by forward operations of the trainer.</summary>
    Server,

    /// <summary>Rows and states between server nodes: frames as one of them writes them. Only where there are several.</summary>
    Stages,

    /// <summary>A server node beside the main one, counted by forward operations of its stages. Only where there are several.</summary>
    StageNode,
}
