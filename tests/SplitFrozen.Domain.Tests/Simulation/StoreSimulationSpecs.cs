using FsCheck;
using FsCheck.Xunit;

using SplitFrozen.Domain.Scheduling;
using SplitFrozen.Domain.Simulation;
using SplitFrozen.Domain.Store;

using Xunit;

namespace SplitFrozen.Domain.Tests.Simulation;

/// <summary>What a simulated run with an activation store asks from devices, and what it does not.</summary>
[Properties(Arbitrary = [typeof(MadeUp)])]
public sealed class StoreSimulationSpecs
{
    private const int RowBytes = 256;
    private static readonly SimulatedStore Unlimited = new(long.MaxValue, null, RowBytes, false);

    [Property(MaxTest = 200)]
    public void Should_send_nothing_after_the_first_epoch_where_all_has_room(FleetSpec spec)
    {
        var report = FleetSimulator.Run(spec with { Store = Unlimited });

        Assert.True(report.Coverage.ExactlyOnce);
        Assert.True(report.Epochs[0].Bytes > 0);
        Assert.All(report.Epochs.Skip(1), e => Assert.Equal((0.0, (long)e.Samples), (e.Bytes, e.Supplied)));
    }

    [Property(MaxTest = 100)]
    public void Should_be_as_without_a_store_in_a_run_of_one_epoch(FleetSpec spec)
    {
        var once = spec with { Training = spec.Training with { Epochs = 1 } };

        Assert.Equivalent(FleetSimulator.Run(once), FleetSimulator.Run(once with { Store = Unlimited }), strict: true);
    }

    [Property(MaxTest = 100)]
    public void Should_send_all_again_where_nothing_has_room(FleetSpec spec)
    {
        var quiet = spec with { Faults = MadeUp.NoFaults };

        var report = FleetSimulator.Run(quiet with { Store = Unlimited with { MemoryLimit = 0 } });

        Assert.Equal(FleetSimulator.Run(quiet).Epochs.Select(e => e.Bytes), report.Epochs.Select(e => e.Bytes));
        Assert.All(report.Epochs, e => Assert.Equal(0, e.Supplied));
    }

    [Property(MaxTest = 200)]
    public void Should_ask_exactly_the_rest_again_where_not_all_has_room(FleetSpec spec, byte share)
    {
        var sizes = spec.Devices.SelectMany(d => d.Lengths.Select(l => (long)StoreSizes.Record(d.Id, l, 1, RowBytes))).Order().ToList();
        var limited = Unlimited with { MemoryLimit = sizes.Sum() * share / byte.MaxValue };
        var most = Enumerable.Range(0, sizes.Count + 1).Last(count => sizes.Take(count).Sum() <= limited.MemoryLimit);

        var report = FleetSimulator.Run(spec with
        {
            Faults = MadeUp.NoFaults,
            Costs = new CountingSamples(spec.Costs),
            Training = spec.Training with { Epochs = 4 },
            Store = limited,
        });

        Assert.True(report.Coverage.ExactlyOnce);
        Assert.InRange(report.Store!.MemoryBytes, 0, limited.MemoryLimit);
        Assert.All(report.Epochs, e => Assert.Equal(e.Samples - e.Supplied, e.Bytes));
        Assert.All(report.Epochs, e => Assert.InRange(e.Supplied, 0, e.Epoch == 0 ? 0 : most));
        Assert.Equal(report.Store.Supplied, report.Epochs.Sum(e => e.Supplied));
    }

    [Property(MaxTest = 100)]
    public void Should_train_or_strike_every_sample_where_a_node_never_returns(FleetSpec spec, byte share)
    {
        if (spec.Devices.All(d => d.Node == 0 || d.Lengths.Length == 0))
        {
            return;
        }

        var report = FleetSimulator.Run(spec with
        {
            Faults = new FaultSpec([new NodeCrash(0, share / 20.0, null)], null, 0.5),
            Store = Unlimited with { MemoryLimit = 10_000 * (long)share },
        });

        Assert.Equal(report.Coverage.Expected, report.Coverage.Trained + report.Coverage.Missing);
        Assert.Equal(report.Coverage.Missing, report.Epochs.Sum(e => (long)e.Missing));
    }

    [Property(MaxTest = 100)]
    public void Should_take_only_the_servers_time_from_the_second_epoch_on(PositiveInt units, PositiveInt device, PositiveInt link, PositiveInt server)
    {
        var (m, td, tt, ts) = (1 + (units.Get % 40), device.Get / 7.0, link.Get / 5.0, server.Get / 3.0);
        var chain = FleetSimulatorSpecs.Chain(m, cut: 1, layers: 1, new MadeUp.Fixed(td, tt, ts / 2, ts / 3, ts / 6));

        var report = FleetSimulator.Run(chain with { Training = chain.Training with { Epochs = 3 }, Store = Unlimited });

        Assert.Equal(td + tt + ts + ((m - 1) * Math.Max(td, Math.Max(tt, ts))), report.Epochs[0].Seconds, 6);
        Assert.All(report.Epochs.Skip(1), e => Assert.Equal(m * ts, e.Seconds, 6));
        Assert.Equal(m * td, report.Lanes.Single(l => l.Kind == "device").BusySeconds, 6);
        Assert.Equal(m * tt, report.Lanes.Single(l => l.Kind == "link").BusySeconds, 6);
    }

    [Fact]
    public void Should_keep_what_came_first_where_not_all_has_room()
    {
        // Ten samples of one size, room for four of them and most of a fifth.
        var chain = FleetSimulatorSpecs.Chain(10, cut: 1, layers: 1, new MadeUp.Fixed(1, 2, 3, 0, 0));
        var record = StoreSizes.Record(chain.Devices[0].Id, 1000, 1, RowBytes);

        var report = FleetSimulator.Run(chain with { Training = chain.Training with { Epochs = 3 }, Store = Unlimited with { MemoryLimit = (5 * record) - 1 } });

        Assert.Equal((4L, 4L * record, 8L), (report.Store!.Samples, report.Store.MemoryBytes, report.Store.Supplied));
        Assert.Equal([20.0, 12, 12], report.Epochs.Select(e => e.Bytes));
    }

    [Fact]
    public void Should_find_on_disk_what_memory_has_no_room_for()
    {
        var chain = FleetSimulatorSpecs.Chain(10, cut: 1, layers: 1, new MadeUp.Fixed(1, 2, 3, 0, 0));
        var record = StoreSizes.Record(chain.Devices[0].Id, 1000, 1, RowBytes);

        var report = FleetSimulator.Run(chain with { Training = chain.Training with { Epochs = 2 }, Store = new SimulatedStore(3 * record, long.MaxValue, RowBytes, false) });

        Assert.Equal((10L, 3L * record, 10L * record), (report.Store!.Samples, report.Store.MemoryBytes, report.Store.DiskBytes));
        Assert.Equal(0, report.Epochs[1].Bytes);
    }

    [Fact]
    public void Should_go_on_without_a_device_whose_samples_are_all_stored()
    {
        var pair = FleetSimulatorSpecs.Pair() with { Training = MadeUp.Training(3, 8, 4), Store = Unlimited };
        var quiet = FleetSimulator.Run(pair);

        // Within the second epoch, and given up before the run ends: an epoch out of the store takes 20 ms.
        var gone = pair with { Faults = new FaultSpec([new NodeCrash(1, quiet.Epochs[0].Seconds + 0.001, null)], null, 0.005) };

        var report = FleetSimulator.Run(gone);

        Assert.Equal(1, report.Faults.LostNodes);
        Assert.True(report.Coverage.ExactlyOnce);
        Assert.Equal(quiet.TotalSeconds, report.TotalSeconds, 9);
        Assert.True(FleetSimulator.Run(gone with { Store = null }).Coverage.Missing > 0);
    }

    /// <summary>Bytes that tell how many samples were sent.</summary>
    private sealed class CountingSamples(IWorkCosts costs) : IWorkCosts
    {
        public long BlockBytes => costs.BlockBytes;

        public double FrozenBlock(ReadOnlySpan<int> lengths) => costs.FrozenBlock(lengths);

        public double Trainer(OperationKind kind, int stage, ReadOnlySpan<int> lengths) => costs.Trainer(kind, stage, lengths);

        public double UnitBytes(int samples, int tokens) => samples;
    }
}
