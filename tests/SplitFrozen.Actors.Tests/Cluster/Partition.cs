using Akka.Actor;
using Akka.Remote;
using Akka.Remote.Transport;

using Xunit;

namespace SplitFrozen.Actors.Tests.Cluster;

/// <summary>Cuts a node off from others: what it sends and gets over the control plane is dropped, and channel connections break and are not opened.</summary>
/// <param name="system">The node.</param>
internal sealed class Partition(ActorSystem system)
{
    /// <summary>All nodes of the cluster need them.</summary>
    public static readonly string[] Settings = ["akka.remote.dot-netty.tcp.applied-adapters=[trttl]"];

    private readonly List<Stream> _links = [];
    private readonly List<Address> _cut = [];
    private bool _isCut;

    /// <summary>Takes note of a channel connection; throws where none is to be had.</summary>
    public Stream Link(Stream stream)
    {
        lock (_links)
        {
            if (_isCut)
            {
                throw new IOException("the partition lets no connection through");
            }

            _links.Add(stream);
            return stream;
        }
    }

    public async Task BeginAsync(IEnumerable<Address> others)
    {
        _cut.AddRange(others);
        await ThrottleAsync(Blackhole.Instance);
        lock (_links)
        {
            _isCut = true;
            _links.ForEach(l => l.Dispose());
        }
    }

    public async Task HealAsync()
    {
        lock (_links)
        {
            _isCut = false;
        }

        await ThrottleAsync(Unthrottled.Instance);
    }

    private async Task ThrottleAsync(ThrottleMode mode)
    {
        var transport = ((IRemoteActorRefProvider)((ExtendedActorSystem)system).Provider).Transport;
        foreach (var address in _cut)
        {
            Assert.True(await transport.ManagementCommand(new SetThrottle(address, ThrottleTransportAdapter.Direction.Both, mode)));
        }
    }
}
