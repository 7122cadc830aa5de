using Akka.Actor;

namespace SplitFrozen.Actors;

/// <summary>Marks what never leaves its node: it may own buffers and refer to live objects, and is not serialised when tests serialise all messages.</summary>
internal interface ILocalMessage : INoSerializationVerificationNeeded;
