using System.Numerics;

namespace SplitFrozen.Actors.Channel;

/// <summary>
/// Arrays for activations, kept for the next unit when they come back. Sizes are rounded up by at most an eighth, so that units of similar sizes share
/// arrays. What is handed out and what lies idle stay below a limit together as long as what is handed out does.
/// </summary>
/// <param name="limit">Bytes to keep to.</param>
internal sealed class ActivationPool(long limit)
{
    private const long SharedLimit = 256L << 20;

    private readonly Lock _gate = new();
    private readonly Dictionary<int, Stack<float[]>> _idle = [];
    private long _out;
    private long _idleBytes;

    /// <summary>For nodes that are bounded by credits: keeps up to 256 MiB.</summary>
    public static ActivationPool Shared { get; } = new(SharedLimit);

    /// <summary>Bytes that an array for so many values takes.</summary>
    public static long Bytes(int length) => sizeof(float) * (long)Size(length);

    /// <summary>Bytes handed out and idle.</summary>
    public long HeldBytes
    {
        get
        {
            lock (_gate)
            {
                return _out + _idleBytes;
            }
        }
    }

    /// <summary>An array of at least <paramref name="length"/> values, whose content is undefined.</summary>
    public float[] Rent(int length)
    {
        var size = Size(length);
        lock (_gate)
        {
            _out += Bytes(length);
            if (_idle.TryGetValue(size, out var stack) && stack.TryPop(out var array))
            {
                _idleBytes -= Bytes(length);
                return array;
            }

            DropIdle();
        }

        return GC.AllocateUninitializedArray<float>(size);
    }

    /// <summary>Gives an array back.</summary>
    public void Return(float[] array)
    {
        var bytes = sizeof(float) * (long)array.Length;
        lock (_gate)
        {
            _out -= bytes;
            if (_out + _idleBytes + bytes > limit)
            {
                return;
            }

            if (!_idle.TryGetValue(array.Length, out var stack))
            {
                _idle[array.Length] = stack = new Stack<float[]>();
            }

            stack.Push(array);
            _idleBytes += bytes;
        }
    }

    /// <summary>Rounds up to three significant bits after the first.</summary>
    private static int Size(int length)
    {
        var step = 1 << Math.Max(0, BitOperations.Log2((uint)Math.Max(1, length)) - 3);
        return checked((int)(((long)length + step - 1) / step * step));
    }

    private void DropIdle()
    {
        foreach (var (size, stack) in _idle)
        {
            while (_out + _idleBytes > limit && stack.TryPop(out _))
            {
                _idleBytes -= sizeof(float) * (long)size;
            }
        }
    }
}
