using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Sampling;
using SplitFrozen.Protocol;
using SplitFrozen.Protocol.Messages;

namespace SplitFrozen.Actors.Devices;

/// <summary>The forward units that a device still has to run, in the order of its grants, and the credits that let it.</summary>
internal sealed class GrantQueue(IReadOnlyList<EncodedSample> samples, int unitTokens, int credits)
{
    private readonly Queue<UnitOrder> _orders = [];
    private readonly HashSet<GrantId> _known = [];
    private long _started;
    private long _placed;

    /// <summary>Units granted and not begun.</summary>
    public int Length => _orders.Count;

    /// <summary>Units begun and not yet placed.</summary>
    public long InFlight => _started - _placed;

    /// <summary>Cuts a grant into its units and queues those that are wanted. A grant that is known is passed over.</summary>
    public void Add(DeviceCommands.Grant grant)
    {
        if (!_known.Add(grant.Id))
        {
            return;
        }

        var lengths = Array.ConvertAll(grant.Samples, s => samples[s].Tokens.Length);
        var units = ForwardUnits.Cut(lengths, unitTokens);
        for (var unit = 0; unit < units.Count; unit++)
        {
            if (Array.IndexOf(grant.SkipUnits, unit) < 0)
            {
                _orders.Enqueue(new UnitOrder(grant.Id, unit, grant.Samples[units[unit]], lengths[units[unit]]));
            }
        }
    }

    /// <summary>Credits come back.</summary>
    /// <param name="placed">Units placed in all.</param>
    public void Placed(long placed) => _placed = Math.Clamp(placed, _placed, _started);

    /// <summary>The next unit, if there is one and a credit for it.</summary>
    public UnitOrder? Next()
    {
        if (InFlight >= credits || !_orders.TryDequeue(out var order))
        {
            return null;
        }

        _started++;
        return order;
    }
}

/// <summary>A forward unit to run.</summary>
/// <param name="Grant">Its grant.</param>
/// <param name="Unit">Place in the grant.</param>
/// <param name="Samples">Sample indices [N].</param>
/// <param name="Lengths">Tokens of each sample [N].</param>
internal sealed record UnitOrder(GrantId Grant, int Unit, int[] Samples, int[] Lengths);
