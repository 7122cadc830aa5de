using System.Security.Cryptography;

using SplitFrozen.Protocol;

namespace SplitFrozen.Actors.Channel;

/// <summary>
/// What the server knows of one life of a device on the channel, over all connections that it opens: which frame comes next, which layouts it was given,
/// and its credits. Frames come one at a time, the rest from the coordinator's thread.
/// </summary>
/// <param name="device">The device.</param>
/// <param name="incarnation">The life.</param>
/// <param name="credits">Units that it may have sent and not yet seen placed.</param>
/// <param name="damageLimit">Damaged frames in a row that are put down to the line.</param>
internal sealed class ChannelLife(DeviceId device, Incarnation incarnation, int credits, int damageLimit)
{
    /// <summary>So many times the limit of a row may be damaged in a life, however many whole frames came between.</summary>
    private const int RowsOfDamage = 10;

    private readonly Lock _gate = new();
    private readonly Dictionary<AllocationEpoch, int> _layers = [];
    private AllocationEpoch _allocation;
    private ServerConnection? _connection;
    private long _received;
    private long _returned;
    private int _damaged;
    private int _damagedInRow;
    private bool _ended;

    public DeviceId Device => device;

    public Incarnation Incarnation => incarnation;

    /// <summary>The secret that names this life.</summary>
    public string Token { get; } = Convert.ToHexString(RandomNumberGenerator.GetBytes(ChannelGreeting.TokenLength / 2));

    /// <summary>Frames received whole.</summary>
    public long Received
    {
        get
        {
            lock (_gate)
            {
                return _received;
            }
        }
    }

    /// <summary>The device was told to hold so many layers.</summary>
    public void Allow(AllocationEpoch allocation, int layers)
    {
        lock (_gate)
        {
            // What the device has gone past does not come any more.
            foreach (var past in _layers.Keys.Where(epoch => epoch.Value < _allocation.Value).ToList())
            {
                _layers.Remove(past);
            }

            _layers[allocation] = layers;
        }
    }

    /// <summary>So many units of this life were placed in all.</summary>
    public void Return(long placed)
    {
        lock (_gate)
        {
            _returned = Math.Max(_returned, placed);
        }
    }

    /// <summary>Refuses a frame that does not fit what came before it, or for which there is no credit.</summary>
    /// <exception cref="FrameException">It does not.</exception>
    public void Check(UnitHeader header, int sequence)
    {
        lock (_gate)
        {
            FrameException.Require(sequence == _received, FrameFault.OutOfSequence, $"frame {sequence} came where {_received} is the next");
            FrameException.Require(
                _received - _returned < credits, FrameFault.NoCredit, $"{_received - _returned} of {credits} units are not placed yet (splitfrozen.channel.credits)");
            FrameException.Require(
                header.Allocation.Value >= _allocation.Value && _layers.TryGetValue(header.Allocation, out var layers) && layers == header.Depth,
                FrameFault.StaleAllocation, $"{header.Depth} layers of allocation {header.Allocation.Value} are not what the device was given last");
            _allocation = header.Allocation;
        }
    }

    /// <summary>A frame was received whole.</summary>
    /// <returns>How many that are now.</returns>
    public long Took()
    {
        lock (_gate)
        {
            _damagedInRow = 0;
            return ++_received;
        }
    }

    /// <summary>A frame was damaged.</summary>
    /// <returns>Whether that may still be the line's doing.</returns>
    public bool PutUpWithDamage()
    {
        lock (_gate)
        {
            _damaged++;
            return ++_damagedInRow <= damageLimit && _damaged <= RowsOfDamage * damageLimit;
        }
    }

    /// <summary>Makes this the life's only connection: an earlier one is closed, and what it was reading is over when this returns.</summary>
    /// <returns>Whether the life goes on.</returns>
    public bool Attach(ServerConnection connection)
    {
        ServerConnection? earlier;
        lock (_gate)
        {
            (earlier, _connection) = (_connection, connection);
        }

        earlier?.CloseAndWait();
        lock (_gate)
        {
            return !_ended;
        }
    }

    /// <summary>Ends the life: its connection is closed and no other is taken.</summary>
    public void End()
    {
        ServerConnection? connection;
        lock (_gate)
        {
            _ended = true;
            (connection, _connection) = (_connection, null);
        }

        connection?.Close();
    }
}
