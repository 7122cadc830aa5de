using System.Text.Json;

using SplitFrozen.Domain.Models;

namespace SplitFrozen.Domain.Runs;

/// <summary>Where training stands: what a resumed run needs besides adapter and optimiser.</summary>
/// <param name="Step">Optimiser steps made.</param>
/// <param name="Epoch">Epoch of the next global batch.</param>
/// <param name="Batch">Place of the next global batch in its epoch.</param>
/// <param name="SamplesTrained">Samples trained over all epochs.</param>
/// <param name="Seed">The run's seed.</param>
/// <param name="Devices">Ids and sample counts, in the plan's order.</param>
public sealed record CheckpointState(int Step, int Epoch, int Batch, long SamplesTrained, long Seed, IReadOnlyList<CheckpointDevice> Devices);

/// <summary>A device of a checkpoint.</summary>
public sealed record CheckpointDevice(string Id, int Samples);

/// <summary>Writes checkpoints: a folder step-N with the adapter (PEFT), the optimiser's state and state.json.</summary>
public static class Checkpoint
{
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true };

    /// <summary>
    /// Writes into a temporary folder beside its final place and renames it, so that a checkpoint is there whole or not at all; then removes those before it.
    /// </summary>
    /// <param name="checkpoints">Where checkpoints are.</param>
    /// <param name="model">The model folder.</param>
    /// <param name="spec">What is trained.</param>
    /// <param name="adapter">Every stage's <see cref="ITrainerStage.AdapterTensors"/>.</param>
    /// <param name="optimizer">Every stage's <see cref="ITrainerStage.OptimizerTensors"/>.</param>
    /// <param name="state">Where training stands.</param>
    public static void Write(
        string checkpoints, IModelSource model, TrainerSpec spec, IReadOnlyList<TensorData> adapter, IReadOnlyList<TensorData> optimizer, CheckpointState state)
    {
        var folder = Path.Combine(checkpoints, $"step-{state.Step:D8}");
        if (Directory.Exists(folder))
        {
            return;
        }

        var temporary = folder + ".tmp";
        Directory.CreateDirectory(temporary);
        model.SaveAdapter(Path.Combine(temporary, "adapter"), spec, adapter);
        model.SaveOptimizer(Path.Combine(temporary, "optimizer.safetensors"), optimizer);
        WriteFlushed(Path.Combine(temporary, "state.json"), JsonSerializer.SerializeToUtf8Bytes(state, Json));
        Directory.Move(temporary, folder);
        foreach (var older in Directory.EnumerateDirectories(checkpoints, "step-*").Where(d => string.CompareOrdinal(d, folder) < 0).ToList())
        {
            Directory.Delete(older, recursive: true);
        }
    }

    /// <summary>Copies the adapter of the last checkpoint; the copy is there whole or not at all.</summary>
    /// <param name="checkpoints">Where checkpoints are.</param>
    /// <param name="folder">The copy, which must not exist.</param>
    public static void CopyAdapter(string checkpoints, string folder)
    {
        var last = Directory.GetDirectories(checkpoints, "step-*").Where(d => !d.EndsWith(".tmp", StringComparison.Ordinal)).Max(StringComparer.Ordinal)!;
        var temporary = folder + ".tmp";
        Directory.CreateDirectory(temporary);
        foreach (var file in Directory.GetFiles(Path.Combine(last, "adapter")))
        {
            File.Copy(file, Path.Combine(temporary, Path.GetFileName(file)));
        }

        Directory.Move(temporary, folder);
    }

    private static void WriteFlushed(string file, byte[] bytes)
    {
        using var stream = new FileStream(file, FileMode.Create, FileAccess.Write);
        stream.Write(bytes);
        stream.Flush(flushToDisk: true);
    }
}
