using SplitFrozen.Actors.Channel;
using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Tests.Channel.Support;

/// <summary>Stands for shuffle and trainer: places each unit at once, and releases a grant's units when all of them and of the grants before are there.</summary>
internal sealed class ConsumerInOrder
{
    private readonly Lock _gate = new();
    private readonly ServerMemory _memory;
    private readonly int _unitsOfGrant;
    private readonly List<ActivationUnit>[] _grants;
    private readonly Dictionary<DeviceId, long> _placed = [];
    private readonly TaskCompletionSource<int> _all = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _trained;
    private int _frontier;

    public ConsumerInOrder(ServerMemory memory, int grants, int unitsOfGrant)
    {
        (_memory, _unitsOfGrant) = (memory, unitsOfGrant);
        _grants = [.. Enumerable.Range(0, grants).Select(_ => new List<ActivationUnit>())];
        for (var grant = 0; grant < grants; grant++)
        {
            memory.Open(new GrantId(0, grant), unitsOfGrant);
        }
    }

    /// <summary>Units trained, when that is all.</summary>
    public Task<int> All => _all.Task;

    /// <summary>Most bytes that were held, idle buffers included.</summary>
    public long MostBytes { get; private set; }

    /// <summary>Gives credits back.</summary>
    public Action<DeviceId, Incarnation, long> Return { get; set; } = (_, _, _) => { };

    public void Take(ActivationUnit unit)
    {
        lock (_gate)
        {
            var header = unit.Header;
            MostBytes = Math.Max(MostBytes, Math.Max(_memory.HeldBytes, _memory.PooledBytes));
            unit.Placed(header.Samples.Length);
            _placed[header.Device] = _placed.GetValueOrDefault(header.Device) + 1;
            Return(header.Device, header.Incarnation, _placed[header.Device]);
            _grants[header.Grant.Number].Add(unit);
            while (_frontier < _grants.Length && _grants[_frontier].Count == _unitsOfGrant)
            {
                Train();
            }
        }
    }

    private void Train()
    {
        foreach (var unit in _grants[_frontier])
        {
            unit.Dispose();
            _trained++;
        }

        _memory.Close(new GrantId(0, _frontier++));
        if (_frontier == _grants.Length)
        {
            _all.TrySetResult(_trained);
        }
    }
}
