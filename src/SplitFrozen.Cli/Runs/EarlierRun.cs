using System.Text.Json;

using Akka.Configuration;

using SplitFrozen.Actors.Configuration;
using SplitFrozen.Cli.Composing;
using SplitFrozen.Domain;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Runs;

namespace SplitFrozen.Cli.Runs;

/// <summary>A run's folder that a run is to go on in, or whose order it is to repeat. Nothing in it is changed before all that decides the result is found to be as it was.</summary>
internal sealed class EarlierRun
{
    /// <summary>Keys that a replay has other values of than the run that it repeats.</summary>
    private static readonly string[] _ofReplay = ["splitfrozen.training.replay", "splitfrozen.training.put-off-after"];

    private readonly bool _replays;

    private EarlierRun(string folder, bool replays)
    {
        (Folder, _replays) = (Path.GetFullPath(folder), replays);
        var what = replays ? "replay" : "resume";
        if (!Directory.Exists(Folder))
        {
            throw new UserErrorException($"There is no run to {what} in {Folder}: the folder does not exist.");
        }

        if (!File.Exists(Configuration))
        {
            throw new UserErrorException($"{Folder} is not a run's folder: it has no {RunFolder.ConfigurationFile}. Name a folder that `splitfrozen train` or `splitfrozen server` made.");
        }
    }

    /// <summary>The folder.</summary>
    public string Folder { get; }

    /// <summary>The run's own configuration.</summary>
    public string Configuration => Path.Combine(Folder, RunFolder.ConfigurationFile);

    private string Replayed => _replays ? "replayed" : "resumed";

    /// <summary>Looks at the folder of a run that is to go on.</summary>
    /// <exception cref="UserErrorException">It is no run's, or the run is finished.</exception>
    public static EarlierRun ToResume(string folder)
    {
        var run = new EarlierRun(folder, replays: false);
        return run.Read<RunSummary>(RunFolder.SummaryFile, isNeeded: false)?.Completed != true ? run
            : throw new UserErrorException($"The run in {run.Folder} is finished; there is nothing to resume. Its adapter is {new RunPaths(run.Folder).Adapter}.");
    }

    /// <summary>Opens what the run is made of, if all that decides the result is as it was.</summary>
    /// <exception cref="UserErrorException">Something differs, or cannot be opened.</exception>
    public ITrainingRun Open(CliEnvironment environment, Config hocon, Settings settings, Func<Settings, ITrainingRun> open)
    {
        CheckConfiguration(hocon, settings, Versions.Current(environment.Composition.ProbeNativeLibrary()));
        var run = open(settings);
        CheckIdentity(run.Identity, settings);
        return run;
    }

    /// <summary>Refuses to stand by for a server that would not notice that another takes over.</summary>
    /// <exception cref="UserErrorException">The run was begun without a standby.</exception>
    public void CheckStandby()
    {
        if (!SettingsReader.Read(SettingsReader.Load([Configuration], [])).Cluster.Standby)
        {
            throw new UserErrorException($"The run in {Folder} was begun with splitfrozen.cluster.standby = off, so that its server and devices know of no standby. Start the server, the devices and the standby with it on.");
        }
    }

    /// <summary>Looks at the folder of a run whose order is to be repeated; its ledger is looked at when the run is opened.</summary>
    /// <exception cref="UserErrorException">It is no run's.</exception>
    public static EarlierRun ToReplay(string folder) => new(folder, replays: true);

    /// <summary>What a replay sets in the configuration of the run that it repeats: it has a folder of its own.</summary>
    public static IReadOnlyList<string> ReplaySettings(string folder) =>
        [$"splitfrozen.training.replay={HoconWriter.Quote(folder)}", "splitfrozen.training.put-off-after=off", "splitfrozen.run.path=auto"];

    /// <summary>Refuses a configuration, or another program, that would give another result than the run began with.</summary>
    /// <exception cref="UserErrorException">Something differs; the message names it with both values.</exception>
    public void CheckConfiguration(Config now, Settings settings, Versions versions)
    {
        if (settings.Training.Method != TrainingMethods.SplitFrozen)
        {
            throw new UserErrorException($"A run of the method {settings.Training.Method} cannot be {Replayed}; runs of splitfrozen can (splitfrozen.training.method).");
        }

        var before = Read<Versions>(RunStart.VersionsFile, isNeeded: true)!;
        foreach (var (what, then, here) in ((string, string, string)[])[("SplitFrozen", before.Program, versions.Program), ("the native library", before.Torch, versions.Torch)])
        {
            if (then != here)
            {
                throw new UserErrorException($"The run in {Folder} was begun with version {then} of {what}, and this is {here}. {(_replays ? "Replay" : "Resume")} it with the version that it was begun with: another one may not give the same result.");
            }
        }

        var changes = ConfigurationChange.Between(SettingsReader.Load([Configuration], []), now)
            .Where(c => !c.IsHarmless && !(_replays && _ofReplay.Contains(c.Key))).ToList();
        if (changes.Count > 0)
        {
            throw new UserErrorException(
                $"The run in {Folder} cannot {(_replays ? "be replayed" : "go on")} under another configuration, which would change its result: "
                + string.Join(", ", changes.Select(c => $"{c.Key} was {c.Before} and is {c.After}"))
                + ". Leave these keys as they were, or begin a new run.");
        }
    }

    /// <summary>Refuses another model or other data than the run began with.</summary>
    /// <exception cref="UserErrorException">They differ.</exception>
    public void CheckIdentity(RunIdentity now, Settings settings)
    {
        var before = Read<RunIdentity>(RunStart.IdentityFile, isNeeded: true)!;
        Check("model", "splitfrozen.model.path", settings.Model.Path, before.Model, now.Model);
        Check("evaluation set", "splitfrozen.data.path", settings.Data.Path, before.Evaluation, now.Evaluation);
        Check("validation set", "splitfrozen.data.path", settings.Data.Path, before.Validation, now.Validation);
        Check("partition of the training rows", "splitfrozen.data.path", settings.Data.Path, before.Partition, now.Partition);
    }

    private void Check(string what, string key, string path, string before, string now)
    {
        if (before != now)
        {
            throw new UserErrorException(
                $"The {what} of {path} is not the one that the run in {Folder} began with (fingerprint {Short(now)}, not {Short(before)}). Restore the files, or name the right ones ({key}).");
        }
    }

    private static string Short(string fingerprint) => fingerprint.Length > 12 ? fingerprint[..12] : fingerprint;

    private T? Read<T>(string name, bool isNeeded)
        where T : class
    {
        var file = Path.Combine(Folder, name);
        if (!File.Exists(file))
        {
            return isNeeded ? throw new UserErrorException($"{Folder} has no {name}, which tells what the run was begun with. It cannot be {Replayed} without.") : null;
        }

        try
        {
            return JsonSerializer.Deserialize<T>(File.ReadAllText(file), RunJson.Indented) ?? throw new JsonException("it is empty");
        }
        catch (JsonException e)
        {
            throw new UserErrorException($"{file} is damaged: {e.Message}", e);
        }
    }
}
