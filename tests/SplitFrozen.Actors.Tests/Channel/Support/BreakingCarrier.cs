using SplitFrozen.Actors.Channel;

namespace SplitFrozen.Actors.Tests.Channel.Support;

/// <summary>TCP whose first accepted connection breaks at the first byte that is written to it.</summary>
internal sealed class BreakingCarrier : Carrier
{
    public override CarrierListener Listen(string host, int port) => new Listener(Tcp.Listen(host, port));

    public override CarrierConnection Dial(string host, int port) => Tcp.Dial(host, port);

    private sealed class Listener(CarrierListener inner) : CarrierListener
    {
        private bool _hasBroken;

        public override int Port => inner.Port;

        public override CarrierConnection Accept()
        {
            var accepted = inner.Accept();
            if (_hasBroken)
            {
                return accepted;
            }

            _hasBroken = true;
            return new Connection(accepted);
        }

        public override void Dispose() => inner.Dispose();
    }

    private sealed class Connection(CarrierConnection inner) : CarrierConnection
    {
        public override Stream Open() => new BreakingStream(inner.Open(), 0);

        public override void Dispose() => inner.Dispose();
    }
}
