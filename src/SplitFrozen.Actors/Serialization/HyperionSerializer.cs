using System.Runtime.Serialization;

using Akka.Actor;

using Hyperion;

using SplitFrozen.Protocol;

using AkkaSerializer = Akka.Serialization.Serializer;

namespace SplitFrozen.Actors.Serialization;

/// <summary>
/// Carries the protocol's messages with Hyperion. A thin layer with the identifier and manifest rule of the packaged
/// Akka.Serialization.Hyperion, so that either can read the other; unlike it, it reads and writes only what <see cref="AllowList"/> names and
/// hands on no message whose values are out of range.
/// </summary>
public sealed class HyperionSerializer : AkkaSerializer
{
    /// <summary>One for all actor systems of a process: it compiles readers and writers at a type's first use, which takes a tenth of a second for the messages of a start.</summary>
    private static readonly Hyperion.Serializer Compiled = new(SerializerOptions.Default
        .WithVersionTolerance(true)
        .WithPreserveObjectReferences(false)
        .WithIgnoreSerializable(true)
        .WithDisallowUnsafeType(true)
        .WithTypeFilter(AllowList.Protocol));

    /// <summary>Made by Akka from its configuration.</summary>
    public HyperionSerializer(ExtendedActorSystem system) : base(system)
    {
    }

    /// <inheritdoc/>
    public override int Identifier => -5;

    /// <inheritdoc/>
    public override bool IncludeManifest => false;

    /// <inheritdoc/>
    public override byte[] ToBinary(object obj)
    {
        if (obj is not IWireMessage)
        {
            throw new SerializationException($"{obj.GetType()} is not a message of the protocol: only types marked {nameof(IWireMessage)} cross the wire.");
        }

        using var stream = new MemoryStream();
        Compiled.Serialize(obj, stream);
        return stream.ToArray();
    }

    /// <inheritdoc/>
    /// <exception cref="SerializationException">The bytes name a type that is not allowed, cannot be read, or hold values that are out of range.</exception>
    public override object FromBinary(byte[] bytes, Type type)
    {
        try
        {
            return Read(bytes);
        }
        catch (SerializationException e)
        {
            WireRefused.Publish(system, e.Message);
            throw;
        }
    }

    private static object Read(byte[] bytes)
    {
        object? message;
        try
        {
            using var stream = new WholeReads(bytes);
            message = Compiled.Deserialize<object>(stream);
        }
        catch (Exception e)
        {
            throw new SerializationException($"A control message was refused: {e.Message}", e);
        }

        if (message is not IWireMessage)
        {
            throw new SerializationException($"A control message was refused: {message?.GetType().ToString() ?? "null"} is not a message of the protocol.");
        }

        return message is IValidated checkable && checkable.Fault() is { } fault
            ? throw new SerializationException($"A {message.GetType().Name} was refused: {fault}.")
            : message;
    }

    /// <summary>
    /// Reads whole or fails. Hyperion does not look at how much it was given: where the bytes end early it would go on with what its buffer held
    /// before, and take that for lengths of gigabytes.
    /// </summary>
    private sealed class WholeReads(byte[] bytes) : MemoryStream(bytes, writable: false)
    {
        public override int Read(byte[] buffer, int offset, int count) => Whole(base.Read(buffer, offset, count), count);

        public override int Read(Span<byte> buffer) => Whole(base.Read(buffer), buffer.Length);

        public override int ReadByte() => base.ReadByte() is var read and >= 0 ? read : throw new EndOfStreamException("the bytes end early");

        private static int Whole(int read, int wanted) => read == wanted ? read : throw new EndOfStreamException("the bytes end early");
    }
}
