using Akka.Actor;

using SplitFrozen.Protocol;
using SplitFrozen.TestKit.Timing;

namespace SplitFrozen.TestKit.Faults;

/// <summary>The faults of an actor system, and its time.</summary>
internal sealed class FaultExtension : IExtension
{
    /// <summary>The faults to let strike, or null: none.</summary>
    public FaultInjector? Injector { get; set; }

    /// <summary>Told what mailboxes hold, or null where time is the machine's.</summary>
    public ControlledTime? Time { get; set; }

    /// <summary>Ends a device without a word, for a time.</summary>
    public Action<DeviceId, TimeSpan> Crash { get; set; } = (_, _) => { };
}

/// <summary>Finds the faults of an actor system.</summary>
internal sealed class FaultExtensionProvider : ExtensionIdProvider<FaultExtension>
{
    public static FaultExtensionProvider Instance { get; } = new();

    public override FaultExtension CreateExtension(ExtendedActorSystem system) => new();
}
