namespace SplitFrozen.Protocol;

/// <summary>Marks what crosses the wire between nodes; the serializer's allow-list consists of these types and what they hold.</summary>
public interface IWireMessage;

/// <summary>Marks what concerns one device; routing reads the id from here.</summary>
public interface IWithDeviceId
{
    /// <summary>The device concerned.</summary>
    DeviceId Device { get; }
}

/// <summary>Wire messages check themselves after they were read, since the serializer sets members without running constructors.</summary>
public interface IValidated
{
    /// <summary>What is wrong with the values, in words, or null when all are in range.</summary>
    string? Fault();
}
