using System.Collections.Immutable;

using Akka.Actor;
using Akka.Cluster.Sharding;

using SplitFrozen.Domain.Data;
using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Devices;

/// <summary>One shard a device: the id of the shard is the id of the device.</summary>
internal sealed class DeviceMessageExtractor : IMessageExtractor
{
    public string? EntityId(object message) => (message as IWithDeviceId)?.Device.Value;

    public object EntityMessage(object message) => message;

    [Obsolete("Akka asks for the overload with the entity's id; this one is part of its interface.")]
    public string? ShardId(object message) => EntityId(message);

    public string ShardId(string entityId, object? messageHint = null) => entityId;
}

/// <summary>
/// Spreads devices evenly: part k prefers the k-th node by name, so that the same cluster places its devices alike every time. Until the nodes
/// that are expected are there, nothing is placed: what is placed stays where it is.
/// </summary>
internal sealed class EvenAllocationStrategy(int expectedNodes) : IActorSystemDependentAllocationStrategy
{
    private ActorSystem? _system;

    public void Start(ActorSystem system) => _system = system;

    public Task<IActorRef> AllocateShard(
        IActorRef requester, string shardId, IImmutableDictionary<IActorRef, IImmutableList<string>> currentShardAllocations)
    {
        if (currentShardAllocations.Count < expectedNodes)
        {
            return Task.FromResult<IActorRef>(ActorRefs.Nobody);
        }

        var regions = currentShardAllocations.Keys.OrderBy(NameOf, StringComparer.Ordinal).ToList();
        var least = currentShardAllocations.Values.Min(shards => shards.Count);
        var preferred = regions[(SharedDevices.Part(new DeviceId(shardId)) ?? 0) % regions.Count];
        return Task.FromResult(
            currentShardAllocations[preferred].Count == least ? preferred : regions.First(r => currentShardAllocations[r].Count == least));
    }

    public Task<IImmutableSet<string>> Rebalance(
        IImmutableDictionary<IActorRef, IImmutableList<string>> currentShardAllocations, IImmutableSet<string> rebalanceInProgress) =>
        Task.FromResult<IImmutableSet<string>>(ImmutableHashSet<string>.Empty);

    private string NameOf(IActorRef region)
    {
        var cluster = Akka.Cluster.Cluster.Get(_system!);
        var address = region.Path.Address.HasLocalScope ? cluster.SelfAddress : region.Path.Address;
        return cluster.State.Members.FirstOrDefault(m => m.Address == address) is { } member ? NodeName.Of(member) : address.ToString();
    }
}
