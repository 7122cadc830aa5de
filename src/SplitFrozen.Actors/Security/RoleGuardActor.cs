using System.Net.Sockets;
using System.Security.Authentication;

using Akka.Actor;
using Akka.Cluster;
using Akka.Event;

using SplitFrozen.Actors.Hosting;

namespace SplitFrozen.Actors.Security;

/// <summary>
/// Binds the role of server nodes to their certificates: Akka.Remote knows no roles, and any node of the authority can join the cluster under any. So whoever joins as a server node is
/// called at the address that it joined under, and must show a certificate of role server there, for that host; else it is downed, and so is one whose certificate cannot be looked at. It may join
/// again, and is looked at again. The supervisor gives it no stages before.
/// </summary>
internal sealed class RoleGuardActor : ReceiveActor, IWithTimers
{
    /// <summary>How often a node that does not answer is called before it is downed.</summary>
    private const int Calls = 5;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>For connecting and the handshake together.</summary>
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(5);

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly Cluster _cluster = Cluster.Get(Context.System);
    private readonly TlsIdentity _identity;
    private readonly Action<string, string> _refused;
    private readonly Action<Address> _shown;
    private readonly HashSet<UniqueAddress> _known = [];

    /// <param name="identity">This node's certificate.</param>
    /// <param name="refused">Told of a node, by name, and what is wrong with it.</param>
    /// <param name="shown">Told the address of a node that has shown its certificate.</param>
    public RoleGuardActor(TlsIdentity identity, Action<string, string> refused, Action<Address> shown)
    {
        (_identity, _refused, _shown) = (identity, refused, shown);
        Receive<ClusterEvent.MemberRemoved>(m => _known.Remove(m.Member.UniqueAddress));
        Receive<ClusterEvent.IMemberEvent>(m => Look(m.Member));
        Receive<Call>(CallNode);
        Receive<Answered>(Judge);
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart() =>
        _cluster.Subscribe(Self, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents, typeof(ClusterEvent.IMemberEvent));

    protected override void PostStop() => _cluster.Unsubscribe(Self);

    private void Look(Member member)
    {
        if ((member.HasRole(ServerNode.Role) || member.HasRole(StageNode.Role)) && member.UniqueAddress != _cluster.SelfUniqueAddress && _known.Add(member.UniqueAddress))
        {
            Self.Tell(new Call(member, 1));
        }
    }

    /// <summary>On a thread of its own: connecting and the handshake block.</summary>
    private void CallNode(Call call)
    {
        var (identity, address) = (_identity, call.Member.Address);
        Task.Factory.StartNew(() => Shows(identity, address), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)
            .PipeTo(Self, Self, () => new Answered(call, null), error => new Answered(call, error.GetBaseException()));
    }

    /// <exception cref="AuthenticationException">What the node shows is no certificate of a server node.</exception>
    /// <exception cref="IOException">It shows none in time.</exception>
    private static void Shows(TlsIdentity identity, Address address)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        using var limit = new CancellationTokenSource(AnswerLimit);
        using var over = limit.Token.Register(socket.Dispose);
        try
        {
            socket.Connect(address.Host!, address.Port!.Value);
            using var stream = identity.AsClient(new NetworkStream(socket), address.Host!);
        }
        catch (Exception e) when (limit.IsCancellationRequested)
        {
            throw new IOException($"it did not answer within {AnswerLimit.TotalSeconds:0} s", e);
        }
    }

    private void Judge(Answered answer)
    {
        var (member, call) = answer.Call;
        if (!_known.Contains(member.UniqueAddress))
        {
            // It has left; whoever has the address now is looked at on its own account.
            return;
        }

        switch (answer.Error)
        {
            case null:
                _shown(member.Address);
                break;
            case AuthenticationException error:
                PutOut(member, $"its certificate is not one of role {NodeCertificate.Server} for {member.Address.Host}: {error.InnerException?.Message ?? error.Message}");
                break;
            case var _ when call < Calls:
                Timers.StartSingleTimer(member.UniqueAddress, new Call(member, call + 1), Pause);
                break;
            default:
                PutOut(
                    member,
                    $"its certificate could not be looked at in {Calls} attempts ({answer.Error.Message}). Let the server connect to {member.Address.Host}:{member.Address.Port}, and start the node again");
                break;
        }
    }

    private void PutOut(Member member, string problem)
    {
        var name = NodeName.Of(member);
        _log.Error("Node {Node} at {Address} is put out: it joined as a server node, and {Problem}", name, member.Address, problem);
        _refused(name, $"it joined as a server node, and {problem}");
        _cluster.Down(member.Address);
    }

    private sealed record Call(Member Member, int Number) : ILocalMessage;

    private sealed record Answered(Call Call, Exception? Error) : ILocalMessage;
}
