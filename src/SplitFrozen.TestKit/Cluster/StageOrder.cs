using SplitFrozen.Domain.Models;
using SplitFrozen.TestKit.Faults;

namespace SplitFrozen.TestKit.Cluster;

/// <summary>Follows the operations of trainer stages, and says what is out of order. A stage that is loaded begins anew.</summary>
/// <param name="bound">Micro-batches of which a stage may hold activations.</param>
internal sealed class StageOrder(int bound)
{
    private readonly Dictionary<BlockRange, Progress> _stages = [];

    /// <summary>Takes note of what a stage is about to do.</summary>
    /// <returns>What is wrong with it, or null.</returns>
    public string? Fault(StageCall call)
    {
        if (!_stages.TryGetValue(call.Blocks, out var own))
        {
            _stages[call.Blocks] = own = new Progress();
        }

        if (call.Operation is "F" or "B" or "W")
        {
            var before = own.Done.GetValueOrDefault(call.MicroBatch);
            var fault = before != call.Operation switch { "F" => null, "B" => "F", _ => "B" } ? Words(call, own)
                : call.Operation == "B" && IsBeforeStageAbove(call, own) ? $"{Words(call, own)}: the stage above has not done its B"
                : call.Operation == "F" && call.InFlight >= bound ? $"{Words(call, own)}: it held {call.InFlight} micro-batches already"
                : null;
            own.Done[call.MicroBatch] = call.Operation;
            return fault;
        }

        if (call.Operation is not ("Load" or "Step"))
        {
            return null;
        }

        var open = call.Operation == "Step" && own.Done.Values.Any(last => last != "W") ? Words(call, own) : null;
        own.Loads += call.Operation == "Load" ? 1 : 0;
        own.Done.Clear();
        return open;
    }

    /// <summary>Where one of two neighbours was loaded oftener, one may be a generation ahead of the other, and they cannot be compared.</summary>
    private bool IsBeforeStageAbove(StageCall call, Progress own)
    {
        var above = _stages.FirstOrDefault(s => s.Key.From == call.Blocks.To).Value;
        return above is not null && above.Loads == own.Loads && above.Done.GetValueOrDefault(call.MicroBatch) is not ("B" or "W");
    }

    private static string Words(StageCall call, Progress own) =>
        $"{call.Operation} of micro-batch {call.MicroBatch} on blocks {call.Blocks} came after [{string.Join(", ", own.Done)}]";

    private sealed class Progress
    {
        public Dictionary<int, string> Done { get; } = [];

        public int Loads { get; set; }
    }
}
