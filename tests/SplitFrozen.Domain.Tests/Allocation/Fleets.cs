using FsCheck;
using FsCheck.Fluent;

using SplitFrozen.Domain.Allocation;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Protocol;

namespace SplitFrozen.Domain.Tests.Allocation;

/// <summary>Generators of allocation inputs.</summary>
public static class Fleets
{
    public static readonly AllocationSettings Settings = new("proportional", 1, 0.2, TimeSpan.FromSeconds(10), 2, 0.5, new Dictionary<string, int>());

    /// <summary>Every built-in policy; the manual one names some devices, out of range too.</summary>
    public static IReadOnlyList<IAllocationPolicy> Policies { get; } =
        [new StaticPolicy(), new ProportionalPolicy(), new BalancedPolicy(), new ManualPolicy(new Dictionary<string, int> { ["d0"] = 99, ["d2"] = 2 })];

    public static Arbitrary<AllocationInput> AllocationInput() => Input(nodes: 6).ToArbitrary();

    public static Gen<AllocationInput> Input(int nodes, int maxCut = 12) =>
        from cut in Gen.Choose(1, maxCut)
        from min in Gen.Choose(1, cut)
        from count in Gen.Choose(1, nodes)
        from devices in Gen.ArrayOf(Device(), count)
        from server in Gen.Elements<double?>(null, 50, 400, 5000)
        from training in Gen.Elements(0, 1e-4, 3e-3)
        from shares in Gen.Elements(true, false)
        select new AllocationInput(
            cut, min, new WorkSizes(20, 3072, 1000), new ServerMeasure(server, training, shares),
            [.. devices.Select((d, i) => d with { Device = new DeviceId($"d{i}"), Node = $"n{i}" })]);

    public static DeviceMeasure Device(int index, double rate, long samples = 100, double? link = null, long? memory = null, int? previous = null) =>
        new(new DeviceId($"d{index}"), $"n{index}", rate, link, memory, 0, previous, samples);

    public static AllocationInput Of(int cut, params DeviceMeasure[] devices) =>
        new(cut, 1, new WorkSizes(20, 3072, 1000), new ServerMeasure(1000, 1e-4), devices);

    public static IReadOnlyDictionary<DeviceId, int> Layers(this IEnumerable<LayerAssignment> assignments) => assignments.ToDictionary(a => a.Device, a => a.Layers);

    private static Gen<DeviceMeasure> Device() =>
        from rate in Gen.Frequency((9, Gen.Choose(1, 2000).Select(r => r / 2.0)), (1, Gen.Constant(0.0)))
        from link in Gen.Elements<double?>(null, 5e4, 1e6)
        from memory in Gen.Elements<long?>(null, 0, 999, 2500, 7000, 100_000)
        from previous in Gen.Elements<int?>(null, null, 1)
        from samples in Gen.Frequency((9, Gen.Choose(1, 300)), (1, Gen.Constant(0)))
        select new DeviceMeasure(default, "", rate, link, memory, 0, previous, samples);
}
