using System.Globalization;

namespace SplitFrozen.Domain.Allocation;

/// <summary>
/// Makes the slowest stage as fast as whole layers allow: the smallest max over max_d n_d · t_d and the server's Σ (C − n_d) · t_s plus training (<see cref="StageTimes"/>).
/// Where catch-up and training run side by side, training is the same at every allocation, and devices are balanced with catch-up alone.
/// For a limit τ on the devices' time, the server has least to do when each device runs as many layers as fit into τ; its time falls as τ grows, so the best τ is where the two
/// cross, and that is found exactly among the values k · t_d. A link's time is the same at every layer count, so it does not enter. Devices of one node share its
/// blocks and its processor, and get equal counts. Optimal for that rule; O(N C log(N C)) for N nodes.
/// </summary>
public sealed class BalancedPolicy : IAllocationPolicy
{
    /// <inheritdoc/>
    public string Name => BuiltInPolicies.Balanced;

    /// <inheritdoc/>
    public IReadOnlyList<LayerAssignment> Decide(AllocationInput input)
    {
        var times = new StageTimes(input);
        var stages = Stages(input, times);
        var limit = BestLimit(stages, times, input);
        var layers = stages.ToDictionary(s => s.Node, s => s.Within(limit), StringComparer.Ordinal);
        return [.. input.Devices.Select(d => new LayerAssignment(d.Device, layers[d.Node], Reason(d, times, layers[d.Node], input, limit)))];
    }

    private static Stage[] Stages(AllocationInput input, StageTimes times) =>
    [.. input.Devices.GroupBy(d => d.Node, StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal).Select(g => new Stage(
        g.Key, g.Max(d => input.Range(d).Low), g.Min(d => input.Range(d).High), times.Nodes[g.Key].PerLayerSeconds, times.Nodes[g.Key].Tokens))];

    /// <summary>The limit on the devices' time at which the slowest stage is fastest.</summary>
    private static double BestLimit(Stage[] stages, StageTimes times, AllocationInput input)
    {
        // A device whose fewest layers take longer than the limit has those whatever the limit; the others need not take as long as it does.
        double[] candidates =
        [
            .. stages.Where(s => s.IsMeasured).SelectMany(s => Enumerable.Range(s.Low, s.High - s.Low + 1).Select(k => k * s.PerLayer))
                .Append(0).Distinct().Order(),
        ];
        var training = input.Server.SharesCompute ? times.TrainingSeconds : 0;
        double Server(double limit) =>
            times.ServerPerLayer(stages.Sum(s => (input.Cut - s.Within(limit)) * s.Tokens)) + training;

        // The first candidate at which the server is no slower than the devices may be.
        var (low, high) = (0, candidates.Length - 1);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = Server(candidates[middle]) <= candidates[middle] ? (low, middle) : (middle + 1, high);
        }

        return low > 0 && Server(candidates[low - 1]) < Math.Max(candidates[low], Server(candidates[low])) ? candidates[low - 1] : candidates[low];
    }

    private static string Reason(DeviceMeasure device, StageTimes times, int layers, AllocationInput input, double limit)
    {
        var (low, high) = input.Range(device);
        if (device.LayerTokensPerSecond <= 0)
        {
            return $"no capacity measured: {layers}, the fewest";
        }

        var perLayer = times.Nodes[device.Node].PerLayerSeconds;
        var why = layers == high && layers < input.Cut ? "; memory holds no more"
            : layers == input.Cut ? "; there are no more" : layers == low ? "; the fewest allowed" : "";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{layers} × {perLayer:0.###} s an epoch within the limit of {limit:0.###} s that balances devices and server{why}");
    }

    /// <summary>A node as one stage.</summary>
    private readonly record struct Stage(string Node, int LowWanted, int High, double PerLayer, double Tokens)
    {
        public int Low => Math.Min(LowWanted, High);

        public bool IsMeasured => double.IsFinite(PerLayer);

        /// <summary>The most layers that take no longer than the limit, within what is possible.</summary>
        public int Within(double limit)
        {
            if (!IsMeasured)
            {
                return Low;
            }

            if (PerLayer == 0)
            {
                return High;
            }

            // The quotient may round below a whole number whose product is within the limit.
            var layers = (int)Math.Clamp(Math.Floor(limit / PerLayer), Low, High);
            return layers < High && (layers + 1) * PerLayer <= limit ? layers + 1 : layers;
        }
    }
}
