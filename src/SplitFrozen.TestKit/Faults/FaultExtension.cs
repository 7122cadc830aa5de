using Akka.Actor;

using SplitFrozen.Protocol;

namespace SplitFrozen.TestKit.Faults;

/// <summary>The faults of an actor system.</summary>
internal sealed class FaultExtension : IExtension
{
    /// <summary>The faults to let strike, or null: none.</summary>
    public FaultInjector? Injector { get; set; }

    /// <summary>Ends a device without a word.</summary>
    public Action<DeviceId> Crash { get; set; } = _ => { };
}

/// <summary>Finds the faults of an actor system.</summary>
internal sealed class FaultExtensionProvider : ExtensionIdProvider<FaultExtension>
{
    public static FaultExtensionProvider Instance { get; } = new();

    public override FaultExtension CreateExtension(ExtendedActorSystem system) => new();
}
