using Akka.Actor;

using SplitFrozen.Actors.Channel;
using SplitFrozen.Actors.Security;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Models;

namespace SplitFrozen.Actors.Training;

/// <summary>What the part of a server node that holds stages is made of.</summary>
/// <param name="Model">The model folder.</param>
/// <param name="Profile">Its name and what it pretends to be.</param>
/// <param name="Threads">Threads of its matrix products.</param>
/// <param name="Server">The supervisor, or its proxy.</param>
/// <param name="Door">Where other server nodes connect to, or null: stages live on the main node alone.</param>
/// <param name="Vault">The states of all stages, on the main node; null elsewhere.</param>
internal sealed record StageHostOptions(
    IModelSource Model, NodeProfile Profile, int Threads, IActorRef Server, DoorOptions? Door, StageVault? Vault)
{
    /// <summary>Whether the node was told that a standby server may take over.</summary>
    public bool KnowsStandby { get; init; }

    /// <summary>Told when the node has no more to do: with why it cannot go on, or null when the run is over.</summary>
    public Action<Exception?> Ended { get; init; } = _ => { };

    /// <summary>Told that a server answered.</summary>
    public Action Welcomed { get; init; } = () => { };
}

/// <summary>Where a server node listens for others.</summary>
/// <param name="Host">Address that it listens on and that others are told.</param>
/// <param name="Port">Port, or 0 for a free one.</param>
/// <param name="Identity">Certificates, or null for plain connections.</param>
/// <param name="MaxFrameBytes">Largest frame.</param>
internal sealed record DoorOptions(string Host, int Port, TlsIdentity? Identity, int MaxFrameBytes)
{
    /// <summary>How connections are made.</summary>
    public Carrier Carrier { get; init; } = Carrier.Tcp;

    /// <summary>By which pauses and patience are measured.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Wraps each connection's bytes, told whether this end dials; tests disturb them so.</summary>
    public Func<Stream, bool, Stream> Link { get; init; } = (stream, _) => stream;
}
