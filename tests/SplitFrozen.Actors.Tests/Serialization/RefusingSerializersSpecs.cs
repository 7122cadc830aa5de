using System.Runtime.Serialization;

using Akka.Configuration;

using SplitFrozen.Actors.Hosting;
using SplitFrozen.Actors.Serialization;

using Xunit;

namespace SplitFrozen.Actors.Tests.Serialization;

/// <summary>What of Akka's own serializers is switched off.</summary>
public sealed class RefusingSerializersSpecs : Akka.TestKit.Xunit2.TestKit
{
    public RefusingSerializersSpecs()
        : base(ConfigurationFactory.ParseString("akka.remote.dot-netty.tcp { hostname = \"127.0.0.1\", port = 0 }").WithFallback(ActorConfig.Shipped))
    {
    }

    [Theory(DisplayName = "Neither JSON nor the creation of actors is taken from another node")]
    [InlineData(1)]
    [InlineData(3)]
    public void Should_refuse_what_comes(int identifier) =>
        Assert.Contains(
            "refused", Assert.Throws<SerializationException>(() => { _ = Sys.Serialization.Deserialize([1, 2, 3], identifier, typeof(string).AssemblyQualifiedName!); }).Message,
            StringComparison.Ordinal);

    [Fact(DisplayName = "An actor cannot be created on another node")]
    public void Should_not_deploy_from_afar()
    {
        var order = typeof(Akka.Remote.RemoteActorRefProvider).Assembly.GetType("Akka.Remote.DaemonMsgCreate", throwOnError: true)!;

        Assert.IsType<RefusingDeployment>(Sys.Serialization.FindSerializerForType(order));
    }
}
