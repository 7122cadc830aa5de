using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace SplitFrozen.Actors.Control;

/// <summary>What an operator asks of a running cluster.</summary>
/// <param name="Version">Version of the protocol.</param>
/// <param name="Command">status, explain, set, pause, resume or drain.</param>
public sealed record ControlRequest(int Version, string Command)
{
    /// <summary>The secret of the server's file, where connections are plain.</summary>
    public string? Token { get; init; }

    /// <summary>The device of set, or the node of drain.</summary>
    public string? Target { get; init; }

    /// <summary>The layers of set; null: as the policy says.</summary>
    public int? Layers { get; init; }

    /// <summary>Whether set only says what would come of it.</summary>
    public bool IsDryRun { get; init; }
}

/// <summary>The answer.</summary>
/// <param name="Error">Why it was not done, or null.</param>
/// <param name="Result">What came of it, or null.</param>
public sealed record ControlReply(string? Error, JsonElement? Result);

/// <summary>A message of the control protocol: four bytes that name it, four of length (big-endian), and JSON.</summary>
internal static class ControlWire
{
    /// <summary>Version of the protocol.</summary>
    public const int Version = 1;

    /// <summary>Largest request in bytes.</summary>
    public const int RequestLimit = 64 * 1024;

    /// <summary>Largest answer in bytes.</summary>
    public const int ReplyLimit = 64 * 1024 * 1024;

    private const int HeaderBytes = 8;

    /// <summary>How values are written.</summary>
    public static JsonSerializerOptions Json { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    private static ReadOnlySpan<byte> Magic => "SFC1"u8;

    /// <summary>Writes a message.</summary>
    public static void Write<T>(Stream to, T message)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(message, Json);
        var bytes = new byte[HeaderBytes + body.Length];
        Magic.CopyTo(bytes);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(4), body.Length);
        body.CopyTo(bytes, HeaderBytes);
        to.Write(bytes);
        to.Flush();
    }

    /// <summary>Reads a message.</summary>
    /// <param name="from">Where from.</param>
    /// <param name="limit">Largest body in bytes.</param>
    /// <exception cref="InvalidDataException">It is none, or too large.</exception>
    public static T Read<T>(Stream from, int limit)
        where T : class
    {
        Span<byte> header = stackalloc byte[HeaderBytes];
        from.ReadExactly(header);
        var length = BinaryPrimitives.ReadInt32BigEndian(header[4..]);
        if (!header[..4].SequenceEqual(Magic) || length < 2 || length > limit)
        {
            throw new InvalidDataException("what came is no message of the control protocol");
        }

        var body = new byte[length];
        from.ReadExactly(body);
        try
        {
            return JsonSerializer.Deserialize<T>(body, Json) ?? throw new InvalidDataException("a message is empty");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"a message is malformed: {e.Message}", e);
        }
    }
}
