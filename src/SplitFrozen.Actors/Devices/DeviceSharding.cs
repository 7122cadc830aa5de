using System.Collections.Immutable;
using System.Diagnostics;

using Akka.Actor;
using Akka.Cluster;
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
/// Spreads devices evenly: part k prefers the k-th node by name, so that the same cluster places its devices alike every time. At first nothing is placed until
/// the nodes that are expected are there, for a while. When a node joins, devices move to it; only as many as must for their numbers to differ by one at most.
/// </summary>
internal sealed class EvenAllocationStrategy(int expectedNodes) : IActorSystemDependentAllocationStrategy
{
    /// <summary>After this the nodes that are there will do: those that are missing may have left long ago.</summary>
    private static readonly TimeSpan Expectation = TimeSpan.FromSeconds(20);

    private ActorSystem? _system;
    private long? _asked;

    public void Start(ActorSystem system) => _system = system;

    public Task<IActorRef> AllocateShard(
        IActorRef requester, string shardId, IImmutableDictionary<IActorRef, IImmutableList<string>> currentShardAllocations)
    {
        _asked ??= Stopwatch.GetTimestamp();
        var regions = Staying(currentShardAllocations);
        if (regions.Count == 0 || (regions.Count < expectedNodes && Stopwatch.GetElapsedTime(_asked.Value) < Expectation && regions.All(r => r.Shards.Count == 0)))
        {
            return Task.FromResult<IActorRef>(ActorRefs.Nobody);
        }

        var least = regions.Min(r => r.Shards.Count);
        var preferred = regions[(SharedDevices.Part(new DeviceId(shardId)) ?? 0) % regions.Count];
        return Task.FromResult(preferred.Shards.Count == least ? preferred.Region : regions.First(r => r.Shards.Count == least).Region);
    }

    public Task<IImmutableSet<string>> Rebalance(
        IImmutableDictionary<IActorRef, IImmutableList<string>> currentShardAllocations, IImmutableSet<string> rebalanceInProgress)
    {
        var regions = Staying(currentShardAllocations);
        return Task.FromResult<IImmutableSet<string>>(
            rebalanceInProgress.Count > 0 || regions.Count == 0 ? ImmutableHashSet<string>.Empty : [.. Surplus([.. regions.Select(r => r.Shards)])]);
    }

    /// <summary>The shards to move so that the counts differ by one at most: as few as can be.</summary>
    /// <param name="shards">The shards of each node.</param>
    internal static IEnumerable<string> Surplus(IReadOnlyList<IReadOnlyCollection<string>> shards)
    {
        var (share, rest) = Math.DivRem(shards.Sum(s => s.Count), shards.Count);

        // Those that have most keep one more, so that nothing moves only to make room.
        return shards.OrderByDescending(s => s.Count)
            .SelectMany((own, place) => own.Order(StringComparer.Ordinal).Skip(share + (place < rest ? 1 : 0)));
    }

    /// <summary>The regions of nodes that are not about to go, by name.</summary>
    private List<(IActorRef Region, IImmutableList<string> Shards)> Staying(IImmutableDictionary<IActorRef, IImmutableList<string>> allocations)
    {
        var cluster = Akka.Cluster.Cluster.Get(_system!);
        var members = cluster.State.Members.ToDictionary(m => m.Address);
        var found = new List<(string Name, IActorRef Region, IImmutableList<string> Shards)>();
        foreach (var (region, shards) in allocations)
        {
            var address = region.Path.Address.HasLocalScope ? cluster.SelfAddress : region.Path.Address;
            if (members.TryGetValue(address, out var member) && member.Status is MemberStatus.Up or MemberStatus.WeaklyUp && !cluster.State.Unreachable.Contains(member))
            {
                found.Add((NodeName.Of(member), region, shards));
            }
        }

        return [.. found.OrderBy(f => f.Name, StringComparer.Ordinal).Select(f => (f.Region, f.Shards))];
    }
}
