using Akka.Actor;
using Akka.Configuration;
using Akka.Dispatch;
using Akka.Dispatch.MessageQueues;

using SplitFrozen.Protocol;

namespace SplitFrozen.TestKit.Faults;

/// <summary>
/// The mailbox of every actor of a test cluster: ordinary but for devices and the server's supervisor, where control messages arrive and faults may strike
/// them, and but for telling the cluster's time what is not worked off. Set as the type of Akka's mailboxes, so that the actors under test are those of production.
/// </summary>
public sealed class FaultMailbox : MailboxType, IProducesMessageQueue<FaultMessages>
{
    /// <summary>Made by Akka from its configuration.</summary>
    public FaultMailbox(Settings settings, Config config) : base(settings, config)
    {
    }

    /// <summary>The configuration that sets it, for ordinary actors and for those that stash.</summary>
    public static Config Hocon { get; } = ConfigurationFactory.ParseString(
        $$"""
        akka.actor {
          default-mailbox.mailbox-type = "{{typeof(FaultMailbox).FullName}}, {{typeof(FaultMailbox).Assembly.GetName().Name}}"
          mailbox.unbounded-deque-based.mailbox-type = "{{typeof(FaultMailbox).FullName}}, {{typeof(FaultMailbox).Assembly.GetName().Name}}"
        }
        """);

    /// <inheritdoc/>
    public override IMessageQueue Create(IActorRef owner, ActorSystem system) => new FaultMessages(owner is null ? null : PointOf(owner.Path), system);

    private static FaultPoint? PointOf(ActorPath path) =>
        path.Name == "supervisor" ? FaultPoint.ToServer
        : path.Parent?.Name is "device-node" or "devices" && Domain.Data.SharedDevices.Part(new DeviceId(path.Name)) is not null ? FaultPoint.ToDevice
        : null;
}
