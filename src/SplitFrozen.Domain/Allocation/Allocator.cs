using SplitFrozen.Protocol;

namespace SplitFrozen.Domain.Allocation;

/// <summary>Asks a policy, holds it to the bounds, and says what its decision will take and what else there was.</summary>
public static class Allocator
{
    private const string Remedy = $"Mend the policy, or set splitfrozen.allocation.policy to {BuiltInPolicies.Proportional}.";

    /// <summary>The policy's assignments, sorted by id, moved into each device's range; a reason says where that was needed.</summary>
    /// <exception cref="UserErrorException">The policy left out a device, named one twice, or named one that is not there.</exception>
    public static IReadOnlyList<LayerAssignment> Decide(IAllocationPolicy policy, AllocationInput input)
    {
        var answers = policy.Decide(input);
        var byDevice = new Dictionary<DeviceId, LayerAssignment>();
        foreach (var answer in answers)
        {
            if (!byDevice.TryAdd(answer.Device, answer))
            {
                throw new UserErrorException($"The allocation policy {policy.Name} assigned device {answer.Device} twice. {Remedy}");
            }
        }

        var assignments = input.Devices.OrderBy(d => d.Device).Select(d => byDevice.Remove(d.Device, out var answer)
            ? Bounded(answer, input.Range(d))
            : throw new UserErrorException($"The allocation policy {policy.Name} left out device {d.Device}. {Remedy}")).ToList();
        return byDevice.Count == 0 ? assignments
            : throw new UserErrorException($"The allocation policy {policy.Name} assigned device {byDevice.Keys.Min()}, which is not there. {Remedy}");
    }

    /// <summary>Predicts what assignments take, with alternatives for every device.</summary>
    /// <param name="policy">Name of the policy.</param>
    /// <param name="input">What was decided on.</param>
    /// <param name="assignments">One for each device of the input.</param>
    public static AllocationDecision Explain(string policy, AllocationInput input, IReadOnlyList<LayerAssignment> assignments)
    {
        var times = new StageTimes(input);
        var layers = assignments.ToDictionary(a => a.Device, a => a.Layers);
        var stages = new Stages(times, times.Compute(layers), times.CatchUp(layers));
        var measures = input.Devices.ToDictionary(d => d.Device);
        var decisions = assignments.OrderBy(a => a.Device).Select(a => new DeviceDecision(
            a.Device, a.Layers, a.Reason, times.Device(measures[a.Device], a.Layers),
            [.. Counts(a.Layers, input.Range(measures[a.Device])).Select(n => stages.Alternative(measures[a.Device], a.Layers, n))]));
        return new AllocationDecision(policy, [.. decisions], stages.Server, stages.Slowest, stages.Bottleneck);
    }

    private static LayerAssignment Bounded(LayerAssignment answer, (int Low, int High) range)
    {
        if (answer.Layers > range.High)
        {
            return answer with { Layers = range.High, Reason = $"{answer.Reason}; cut down to {range.High}, the most that its memory or the frozen line allows" };
        }

        return answer.Layers >= range.Low ? answer
            : answer with { Layers = range.Low, Reason = $"{answer.Reason}; raised to {range.Low}, the fewest allowed" };
    }

    private static IEnumerable<int> Counts(int chosen, (int Low, int High) range) =>
        new SortedSet<int> { range.Low, chosen - 1, chosen + 1, range.High }.Where(n => n != chosen && n >= range.Low && n <= range.High);

    /// <summary>The times of all stages under an allocation, and what they would be with one device changed.</summary>
    private sealed class Stages
    {
        private const string ServerName = "server";
        private readonly StageTimes _times;
        private readonly Dictionary<string, double> _compute;
        private readonly double _catchUp;
        private readonly List<(string Node, double Seconds)> _slowest;

        public Stages(StageTimes times, Dictionary<string, double> compute, double catchUp)
        {
            (_times, _compute, _catchUp) = (times, compute, catchUp);
            _slowest = [.. compute.Keys.Select(n => (Node: n, Seconds: Node(n, compute[n])))
                .OrderByDescending(s => s.Seconds).ThenBy(s => s.Node, StringComparer.Ordinal).Take(2)];
        }

        public double Server => _times.Server(_catchUp);

        public double Slowest => _slowest.Count == 0 ? Server : Math.Max(Server, _slowest[0].Seconds);

        public string Bottleneck => _slowest.Count == 0 || Server >= _slowest[0].Seconds ? ServerName : _slowest[0].Node;

        public LayerAlternative Alternative(DeviceMeasure device, int chosen, int layers)
        {
            var tokens = _times.Tokens(device);
            var own = device.LayerTokensPerSecond > 0
                ? Node(device.Node, _compute[device.Node] + ((layers - chosen) * tokens / device.LayerTokensPerSecond)) : double.PositiveInfinity;
            var others = _slowest.Where(s => s.Node != device.Node).Select(s => s.Seconds).FirstOrDefault();
            var server = _times.Server(_catchUp + _times.ServerPerLayer(tokens * (chosen - layers)));
            return new LayerAlternative(layers, _times.Device(device, layers), Math.Max(Math.Max(own, others), server));
        }

        private double Node(string node, double compute) => Math.Max(compute, _times.Nodes[node].LinkSeconds);
    }
}
