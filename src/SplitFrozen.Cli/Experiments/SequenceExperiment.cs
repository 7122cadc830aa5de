using System.Globalization;

using SplitFrozen.Cli.Plots;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Costs;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Simulation;
using SplitFrozen.Methods.Accounting;
using SplitFrozen.Protocol;

namespace SplitFrozen.Cli.Experiments;

/// <summary>What longer texts and larger models ask of devices and links, for one sample: by the cost model.</summary>
internal sealed class SequenceExperiment : IExperiment
{
    private static readonly int[] Lengths = [128, 256, 512, 1024, 2048];

    /// <inheritdoc/>
    public string Name => "seqlen";

    /// <inheritdoc/>
    public string Description => "Bytes of activations, transfer time, computation and memory over the length of a sample for models of four sizes, by the cost model.";

    /// <inheritdoc/>
    public string Note =>
        "Computed, not measured, for one sample and the frozen line at half of the blocks: bytes at the cut in fp32 and bf16, seconds over 600 Mbit/s, operations of the device and of F, B and W of the rest without a head, "
        + "memory of the device with weights in fp32 and as they are stored, and what F keeps on the server for B and W.";

    /// <inheritdoc/>
    public IReadOnlyList<ExperimentCell> Cells(Settings settings) =>
    [
        .. from model in KnownShapes.Names
           from length in Lengths.Where(l => l <= KnownShapes.Find(model).Context)
           select new ExperimentCell(
               $"{model}-{length}", new Dictionary<string, string> { ["model"] = model, ["tokens"] = length.ToString(CultureInfo.InvariantCulture) }),
    ];

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, double> Run(Settings settings, ExperimentCell cell)
    {
        var shape = KnownShapes.Find(cell.Parameters["model"]);
        var length = int.Parse(cell.Parameters["tokens"], CultureInfo.InvariantCulture);
        var cut = shape.Layers / 2;
        var bytes = MemoryCosts.Wire(shape, length, sizeof(float));
        var trainer = new TrainerSpec(TaskKind.Classification, 2, cut, settings.Lora, 0, 0, 1);
        var memory = new DeviceMemory(shape, trainer);
        return new Dictionary<string, double>
        {
            ["cut_mb_fp32"] = bytes / 1e6,
            ["cut_mb_bf16"] = bytes / 2e6,
            ["transfer_s_fp32"] = EmulatedFleet.Paper.Transfer(bytes),
            ["transfer_s_bf16"] = EmulatedFleet.Paper.Transfer(bytes / 2),
            ["device_gflop"] = cut * LayerCosts.BlockForward(shape, [length]) / 1e9,
            ["server_gflop"] = TrainingCosts.Stage(shape, trainer, [length], 1).Total / 1e9,
            ["device_mb_fp32"] = memory.ForwardOnly(cut, length) / 1e6,
            ["device_mb_as_stored"] = memory.ForwardOnly(cut, length, shape.StoredBytesPerParameter) / 1e6,
            ["server_kept_mb"] = Enumerable.Range(cut, shape.Layers - cut).Sum(block => MemoryCosts.Kept(shape, settings.Lora, length, block == cut)) / 1e6,
        };
    }

    /// <inheritdoc/>
    public void Draw(string folder, IReadOnlyList<ExperimentRow> rows)
    {
        Save("transfer.png", "Transfer of one sample's activations at the cut, fp32 over 600 Mbit/s (cost model)", "seconds", "transfer_s_fp32");
        Save("device-memory.png", "Memory of a device that holds half of the blocks as stored (cost model)", "10⁶ bytes", "device_mb_as_stored");
        Save("server-memory.png", "What F keeps for one sample on the server (cost model)", "10⁶ bytes", "server_kept_mb");

        void Save(string file, string title, string vertical, string column) => LinePlot.Save(
            Path.Combine(folder, file), title, "tokens of a sample", vertical,
            [.. rows.GroupBy(r => r.Parameter("model")).Select(g => new LineSeries(
                g.Key, [.. g.Select(r => (double.Parse(r.Parameter("tokens"), CultureInfo.InvariantCulture), r.Values[column]))]))]);
    }
}
