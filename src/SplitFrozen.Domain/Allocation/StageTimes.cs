using SplitFrozen.Protocol;

namespace SplitFrozen.Domain.Allocation;

/// <summary>
/// Predicted seconds of one epoch at every stage of the pipeline, all others being idle: a node runs n_d · T_d / c_d for each of its devices, beside
/// that its link carries their activations, and the server runs (C − n_d) · T_d / c_s for each device and trains all of it, one after the other or side
/// by side. T_d are the device's tokens. Stages overlap, so the largest of them is the epoch's time to first order.
/// </summary>
public sealed class StageTimes
{
    private readonly Dictionary<string, NodeLoad> _nodes = new(StringComparer.Ordinal);
    private readonly AllocationInput _input;
    private readonly double _training;
    private readonly double _serverRate;

    /// <summary>The times of an input's devices.</summary>
    public StageTimes(AllocationInput input)
    {
        _input = input;
        _serverRate = input.ServerRate;

        // In the order of ids, so that sums have the same bits whatever the order of the input.
        foreach (var device in input.Devices.OrderBy(d => d.Device))
        {
            var tokens = Tokens(device);
            _nodes[device.Node] = _nodes.GetValueOrDefault(device.Node) + new NodeLoad(
                tokens, PerLayer(device, tokens), device.LinkBytesPerSecond is > 0 and var link ? tokens * input.Sizes.BytesPerToken / link : 0);
            _training += tokens * input.Server.TrainingSecondsPerToken;
        }
    }

    /// <summary>What the devices of each node weigh together.</summary>
    public IReadOnlyDictionary<string, NodeLoad> Nodes => _nodes;

    /// <summary>Seconds the server trains, whatever the allocation.</summary>
    public double TrainingSeconds => _training;

    /// <summary>Tokens of a device in one epoch.</summary>
    public double Tokens(DeviceMeasure device) => device.Samples * _input.Sizes.TokensPerSample;

    /// <summary>Seconds the server needs for one block of so many tokens; infinite where its rate is not known and no device measured anything.</summary>
    public double ServerPerLayer(double tokens) => tokens == 0 ? 0 : tokens / _serverRate;

    /// <summary>Seconds a device's node takes for that device's samples: computing or sending, whichever takes longer.</summary>
    public double Device(DeviceMeasure device, int layers)
    {
        var tokens = Tokens(device);
        var link = device.LinkBytesPerSecond is > 0 and var rate ? tokens * _input.Sizes.BytesPerToken / rate : 0;
        return Math.Max(layers * PerLayer(device, tokens), link);
    }

    /// <summary>The server's seconds with so many of catch-up: those and training, or the longer of the two where they run side by side.</summary>
    public double Server(double catchUp) => _input.Server.SharesCompute ? catchUp + _training : Math.Max(catchUp, _training);

    /// <summary>Seconds of catch-up under layer counts.</summary>
    public double CatchUp(IReadOnlyDictionary<DeviceId, int> layers)
    {
        var missing = 0.0;
        foreach (var device in _input.Devices.OrderBy(d => d.Device))
        {
            missing += (_input.Cut - layers[device.Device]) * Tokens(device);
        }

        return ServerPerLayer(missing);
    }

    /// <summary>Seconds that every node computes under layer counts.</summary>
    public Dictionary<string, double> Compute(IReadOnlyDictionary<DeviceId, int> layers)
    {
        var compute = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (var device in _input.Devices.OrderBy(d => d.Device))
        {
            compute[device.Node] = compute.GetValueOrDefault(device.Node) + (layers[device.Device] * PerLayer(device, Tokens(device)));
        }

        return compute;
    }

    private static double PerLayer(DeviceMeasure device, double tokens) =>
        tokens == 0 ? 0 : tokens / device.LayerTokensPerSecond;

    /// <summary>What the devices of one node weigh together in an epoch.</summary>
    /// <param name="Tokens">Their tokens.</param>
    /// <param name="PerLayerSeconds">Seconds through one block; infinite where nothing was measured.</param>
    /// <param name="LinkSeconds">Seconds to send their activations.</param>
    public readonly record struct NodeLoad(double Tokens, double PerLayerSeconds, double LinkSeconds)
    {
        /// <summary>Two devices of one node.</summary>
        public static NodeLoad operator +(NodeLoad a, NodeLoad b) =>
            new(a.Tokens + b.Tokens, a.PerLayerSeconds + b.PerLayerSeconds, a.LinkSeconds + b.LinkSeconds);
    }
}
