using System.Buffers.Binary;
using System.IO.Hashing;
using System.Net.Sockets;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace SplitFrozen.Cli.Benchmarks.Channel;

/// <summary>
/// What the channel is compared with: frames of a fixed size over a blocking socket, nothing else. With checks it does what the channel does to the
/// payload, in the same one pass over pieces of 128 KiB: a checksum (XXH3) on both ends and a test for finite values where it is received.
/// </summary>
internal sealed class RawCopy(bool checks)
{
    private const int PieceBytes = 128 * 1024;
    private const int ChecksumBytes = sizeof(ulong);

    private readonly XxHash3 _hash = new();

    /// <summary>Sends frames.</summary>
    /// <param name="stream">The connection.</param>
    /// <param name="buffers">What frames hold, in turn: as a device does, it sends from other memory each time.</param>
    /// <param name="frames">How many.</param>
    public void Send(Stream stream, IReadOnlyList<float[]> buffers, int frames)
    {
        Span<byte> checksum = stackalloc byte[ChecksumBytes];
        for (var sent = 0; sent < frames; sent++)
        {
            for (var rest = MemoryMarshal.AsBytes(buffers[sent % buffers.Count].AsSpan()); !rest.IsEmpty; rest = rest[Math.Min(PieceBytes, rest.Length)..])
            {
                var piece = rest[..Math.Min(PieceBytes, rest.Length)];
                if (checks)
                {
                    _hash.Append(piece);
                }

                stream.Write(piece);
            }

            if (checks)
            {
                BinaryPrimitives.WriteUInt64LittleEndian(checksum, _hash.GetCurrentHashAsUInt64());
                _hash.Reset();
                stream.Write(checksum);
            }
        }
    }

    /// <summary>Receives frames.</summary>
    /// <param name="stream">The connection.</param>
    /// <param name="frame">Where each frame is put.</param>
    /// <param name="frames">How many.</param>
    /// <param name="received">Called after each.</param>
    /// <exception cref="InvalidDataException">A check failed.</exception>
    public void Receive(Stream stream, Span<float> frame, int frames, Action received)
    {
        Span<byte> checksum = stackalloc byte[ChecksumBytes];
        for (var got = 0; got < frames; got++)
        {
            var finite = true;
            for (var rest = frame; !rest.IsEmpty; rest = rest[Math.Min(PieceBytes / sizeof(float), rest.Length)..])
            {
                var piece = rest[..Math.Min(PieceBytes / sizeof(float), rest.Length)];
                stream.ReadExactly(MemoryMarshal.AsBytes(piece));
                if (checks)
                {
                    _hash.Append(MemoryMarshal.AsBytes(piece));
                    finite &= TensorPrimitives.IsFiniteAll<float>(piece);
                }
            }

            if (checks)
            {
                stream.ReadExactly(checksum);
                if (!finite || BinaryPrimitives.ReadUInt64LittleEndian(checksum) != _hash.GetCurrentHashAsUInt64())
                {
                    throw new InvalidDataException("a frame of the raw copy was damaged");
                }

                _hash.Reset();
            }

            received();
        }
    }

    /// <summary>A connection to loopback.</summary>
    public static NetworkStream Connect(int port)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.Connect("127.0.0.1", port);
        return new NetworkStream(socket, ownsSocket: true);
    }
}
