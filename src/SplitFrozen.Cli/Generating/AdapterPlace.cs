using SplitFrozen.Actors.Configuration;
using SplitFrozen.Cli.Composing;
using SplitFrozen.Cli.Runs;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Runs;

namespace SplitFrozen.Cli.Generating;

/// <summary>An adapter that a user named: by a run's folder or by its own.</summary>
/// <param name="Folder">The adapter's folder, absolute.</param>
/// <param name="Run">The configuration of the run that made it, or null where no run is known.</param>
internal sealed record AdapterPlace(string Folder, Settings? Run)
{
    private const string AdapterFile = "adapter_config.json";

    /// <summary>Finds the adapter.</summary>
    /// <param name="named">A run's folder, or an adapter's.</param>
    /// <exception cref="UserErrorException">It is neither.</exception>
    public static AdapterPlace Find(string named)
    {
        var folder = Path.GetFullPath(named);
        if (File.Exists(Path.Combine(folder, RunFolder.ConfigurationFile)))
        {
            var paths = new RunPaths(folder);
            return Directory.Exists(paths.Adapter)
                ? new AdapterPlace(paths.Adapter, Configuration(folder))
                : throw new UserErrorException($"{folder} has no adapter: the run ended before a step was trained. Train again, and name that run's folder.");
        }

        if (!File.Exists(Path.Combine(folder, AdapterFile)))
        {
            throw new UserErrorException(
                $"{folder} is neither a run's folder (it has no {RunFolder.ConfigurationFile}) nor an adapter's (it has no {AdapterFile}). Name a folder that `splitfrozen train` made, or a PEFT folder.");
        }

        return new AdapterPlace(folder, RunOf(folder) is { } run ? Configuration(run) : null);
    }

    /// <summary>The folder of the base model: the one given, else the run's, else the one that the adapter names.</summary>
    /// <param name="given">What the user gave, or null.</param>
    /// <param name="composition">Reads the adapter.</param>
    /// <exception cref="UserErrorException">The adapter names none that is here.</exception>
    public string Model(string? given, IComposition composition)
    {
        if (given is not null)
        {
            return ModelFolder(given);
        }

        if (Run is not null)
        {
            return Run.Model.Path;
        }

        var named = composition.BaseModelOf(Folder);
        return named is null ? throw new UserErrorException($"The adapter in {Folder} names no base model ({AdapterFile}, base_model_name_or_path). Give its folder with --model.")
            : new[] { BundledAssets.Resolve(named), Path.GetFullPath(named, Folder), BundledAssets.Model(named) }.FirstOrDefault(Path.Exists)
                ?? throw new UserErrorException($"The adapter in {Folder} was made for the base model '{named}', which is no folder here. Give the model's folder with --model.");
    }

    /// <summary>A model folder as users name it.</summary>
    public static string ModelFolder(string given) => BundledAssets.Folder("--model", given, "models");

    /// <summary>The run in whose folder an adapter lies, as the final one or as a checkpoint's.</summary>
    private static string? RunOf(string adapter)
    {
        var parent = Path.GetDirectoryName(adapter);
        var checkpoints = Path.GetDirectoryName(parent);
        string?[] candidates =
        [
            parent is not null && new RunPaths(parent).Adapter == adapter ? parent : null,
            Path.GetDirectoryName(checkpoints) is { } run && new RunPaths(run).Checkpoints == checkpoints ? run : null,
        ];
        return candidates.FirstOrDefault(run => run is not null && File.Exists(Path.Combine(run, RunFolder.ConfigurationFile)));
    }

    private static Settings Configuration(string run) =>
        SettingsReader.Read(SettingsReader.Load([Path.Combine(run, RunFolder.ConfigurationFile)], []));
}
