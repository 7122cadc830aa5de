using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;

using SplitFrozen.Domain.Files;
using SplitFrozen.Domain.Models;

namespace SplitFrozen.Domain.Runs;

/// <summary>
/// Checkpoints: folders step-N with the adapter (PEFT), the optimiser's state, state.json, and manifest.json with the SHA-256 of each file. One is there whole or
/// not at all, and is read only if every file is as it was written.
/// </summary>
public static class Checkpoint
{
    /// <summary>Version of the form of state.json and manifest.json.</summary>
    public const int Version = 1;

    private const string StateFile = "state.json";
    private const string ManifestFile = "manifest.json";
    private const string OptimizerFile = "optimizer.safetensors";
    private const string AdapterFolder = "adapter";
    private const string Temporary = ".tmp";
    private const string Damaged = ".damaged";

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    /// <summary>
    /// Writes into a temporary folder beside its final place and renames it; then removes the oldest ones. One of the same step that is whole is left as it is.
    /// </summary>
    /// <param name="checkpoints">Where checkpoints are.</param>
    /// <param name="keep">How many are kept, at least 1.</param>
    /// <param name="model">The model folder.</param>
    /// <param name="spec">What is trained.</param>
    /// <param name="adapter">Every stage's <see cref="ITrainerStage.AdapterTensors"/>.</param>
    /// <param name="optimizer">Every stage's <see cref="ITrainerStage.OptimizerTensors"/>.</param>
    /// <param name="state">Where training stands.</param>
    /// <param name="gate">A folder through which what was written is moved to its place, or null. Where it has ceased to exist (<see cref="RunLease.Gate"/>) nothing comes to its place.</param>
    public static void Write(
        string checkpoints, int keep, IModelSource model, TrainerSpec spec, IReadOnlyList<TensorData> adapter, IReadOnlyList<TensorData> optimizer,
        CheckpointState state, string? gate = null)
    {
        var folder = Path.Combine(checkpoints, $"step-{state.Step:D8}");
        if (!Directory.Exists(folder) || Fault(folder) is not null)
        {
            var temporary = folder + Temporary;
            DeleteIfThere(temporary);
            try
            {
                WriteInto(temporary, model, spec, adapter, optimizer, state);
                Place(temporary, folder, gate);
            }
            finally
            {
                // What was begun on a full disk must not take the room that the next one needs.
                DeleteIfThere(temporary);
            }
        }

        foreach (var older in Folders(checkpoints).Where(f => string.CompareOrdinal(f, folder) < 0).SkipLast(keep - 1).ToList())
        {
            Directory.Delete(older, recursive: true);
        }
    }

    private static void WriteInto(
        string folder, IModelSource model, TrainerSpec spec, IReadOnlyList<TensorData> adapter, IReadOnlyList<TensorData> optimizer, CheckpointState state)
    {
        Directory.CreateDirectory(folder);
        model.SaveAdapter(Path.Combine(folder, AdapterFolder), spec, adapter);
        model.SaveOptimizer(Path.Combine(folder, OptimizerFile), optimizer);
        AtomicFile.Write(Path.Combine(folder, StateFile), stream => JsonSerializer.Serialize(stream, state, Json));
        var manifest = new Manifest(Version, Hashes(folder));
        AtomicFile.Write(Path.Combine(folder, ManifestFile), stream => JsonSerializer.Serialize(stream, manifest, Json));
    }

    /// <summary>
    /// The newest checkpoint that is whole, or null where there is none at all. Those after it are damaged: each is told of, and set aside under another name, since the
    /// run will come by their steps again.
    /// </summary>
    /// <param name="checkpoints">Where checkpoints are.</param>
    /// <param name="suits">Says of a state that was read why it cannot be used, or null.</param>
    /// <param name="refused">Told in words of each that is not used.</param>
    /// <exception cref="UserErrorException">There are checkpoints, and none is whole.</exception>
    public static StoredCheckpoint? Latest(string checkpoints, Func<CheckpointState, string?> suits, Action<string> refused)
    {
        var faults = new List<string>();
        foreach (var folder in Enumerable.Reverse(Folders(checkpoints)))
        {
            if (Read(folder, suits, out var fault) is { } found)
            {
                return found;
            }

            faults.Add($"{folder}: {fault}");
            refused(faults[^1]);
            DeleteIfThere(folder + Damaged);
            Directory.Move(folder, folder + Damaged);
        }

        return faults.Count == 0 ? null : throw new UserErrorException(
            $"No checkpoint of the run can be used. {string.Join("; ", faults)}. Restore one from a copy, or begin a new run.");
    }

    /// <summary>Whether there is a checkpoint, whole or not.</summary>
    public static bool IsAny(string checkpoints) => Folders(checkpoints).Count > 0;

    /// <summary>Removes the checkpoints after a step, which a resumed run makes again.</summary>
    public static void RemoveAfter(string checkpoints, int step)
    {
        foreach (var folder in Folders(checkpoints).Where(f => string.CompareOrdinal(Path.GetFileName(f), $"step-{step:D8}") > 0))
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Copies the adapter of the last checkpoint; the copy is there whole or not at all.</summary>
    /// <param name="checkpoints">Where checkpoints are.</param>
    /// <param name="folder">The copy, which must not exist.</param>
    public static void CopyAdapter(string checkpoints, string folder)
    {
        var temporary = folder + Temporary;
        DeleteIfThere(temporary);
        Directory.CreateDirectory(temporary);
        foreach (var file in Directory.GetFiles(Path.Combine(Folders(checkpoints)[^1], AdapterFolder)))
        {
            File.Copy(file, Path.Combine(temporary, Path.GetFileName(file)));
        }

        DeleteIfThere(folder);
        Directory.Move(temporary, folder);
    }

    private static void Place(string temporary, string folder, string? gate)
    {
        if (gate is null)
        {
            DeleteIfThere(folder);
            Directory.Move(temporary, folder);
            return;
        }

        // Each step goes by a path through the gate: a process that was stopped between any two of them fails at the next.
        var (incoming, replaced) = (Path.Combine(gate, Path.GetFileName(folder)), Path.Combine(gate, Path.GetFileName(folder) + Damaged));
        DeleteIfThere(incoming);
        DeleteIfThere(replaced);
        Directory.Move(temporary, incoming);
        if (Directory.Exists(folder))
        {
            Directory.Move(folder, replaced);
        }

        Directory.Move(incoming, folder);
        DeleteIfThere(replaced);
    }

    private static StoredCheckpoint? Read(string folder, Func<CheckpointState, string?> suits, out string? fault)
    {
        fault = Fault(folder);
        if (fault is not null)
        {
            return null;
        }

        var state = JsonSerializer.Deserialize<CheckpointState>(File.ReadAllBytes(Path.Combine(folder, StateFile)), Json)!;
        fault = suits(state);
        return fault is null ? new StoredCheckpoint(state, Path.Combine(folder, AdapterFolder), Path.Combine(folder, OptimizerFile)) : null;
    }

    /// <summary>What is wrong with a checkpoint's files, or null.</summary>
    private static string? Fault(string folder)
    {
        try
        {
            var manifest = JsonSerializer.Deserialize<Manifest>(File.ReadAllBytes(Path.Combine(folder, ManifestFile)), Json);
            if (manifest?.Files is null || manifest.Version != Version)
            {
                return $"{ManifestFile} is of version {manifest?.Version}, and this program reads {Version}";
            }

            var found = Hashes(folder);
            var wrong = manifest.Files.Where(f => found.GetValueOrDefault(f.Key) != f.Value).Select(f => f.Key).Concat(found.Keys.Except(manifest.Files.Keys)).ToList();
            return wrong.Count == 0 ? null : $"{string.Join(", ", wrong)} {(wrong.Count == 1 ? "is" : "are")} not as written";
        }
        catch (Exception e) when (e is IOException or JsonException or UnauthorizedAccessException)
        {
            return e.Message;
        }
    }

    private static SortedDictionary<string, string> Hashes(string folder)
    {
        var hashes = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var file in Directory.GetFiles(folder, "*", SearchOption.AllDirectories))
        {
            var name = Path.GetRelativePath(folder, file).Replace('\\', '/');
            if (name != ManifestFile)
            {
                using var stream = File.OpenRead(file);
                hashes[name] = Convert.ToHexStringLower(SHA256.HashData(stream));
            }
        }

        return hashes;
    }

    /// <summary>The checkpoints, oldest first.</summary>
    private static List<string> Folders(string checkpoints) => Directory.Exists(checkpoints)
        ? [.. Directory.GetDirectories(checkpoints, "step-*").Where(d => Path.GetFileName(d).AsSpan("step-".Length).ContainsAnyExceptInRange('0', '9') is false)
            .Order(StringComparer.Ordinal)]
        : [];

    private static void DeleteIfThere(string folder)
    {
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private sealed record Manifest(int Version, SortedDictionary<string, string> Files);
}

/// <summary>A checkpoint that is whole.</summary>
/// <param name="State">Where training stood.</param>
/// <param name="Adapter">Its adapter, for <see cref="IModelSource.ReadAdapter"/>.</param>
/// <param name="Optimizer">Its optimiser state, for <see cref="IModelSource.ReadOptimizer"/>.</param>
public sealed record StoredCheckpoint(CheckpointState State, string Adapter, string Optimizer);
