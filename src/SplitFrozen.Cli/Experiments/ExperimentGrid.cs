using System.Globalization;

using SplitFrozen.Domain;
using SplitFrozen.Domain.Configuration;

namespace SplitFrozen.Cli.Experiments;

/// <summary>Runs the cells of an experiment for some seeds, and makes rows of them.</summary>
/// <param name="Experiment">The experiment.</param>
/// <param name="Seeds">Seeds of each cell.</param>
/// <param name="Say">Told what is done.</param>
/// <param name="Stop">Cancelled when no further cell is to be begun.</param>
internal sealed record ExperimentGrid(IExperiment Experiment, int Seeds, Action<string> Say, CancellationToken Stop)
{
    /// <summary>Runs the cells that are not there yet; those of training side by side, as many as cores allow.</summary>
    /// <returns>Whether all are there now.</returns>
    public bool Run(Settings settings, ExperimentFolder folder)
    {
        try
        {
            return RunMissing(settings, folder);
        }
        catch (AggregateException e) when (e.Flatten().InnerExceptions.OfType<UserErrorException>().FirstOrDefault() is { } first)
        {
            // Of cells that failed side by side, one tells what is wrong.
            throw first;
        }
    }

    /// <summary>The rows of the table: means over seeds, with standard deviations where there are several. Rows are compared seed by seed.</summary>
    public IReadOnlyList<ExperimentRow> Rows(Settings settings, ExperimentFolder folder)
    {
        var found = Cells(settings).Select(c => new ExperimentRow(c.Row, folder.Find(c.Cell)!)).Chunk(Seeds).ToList();
        var bySeed = Enumerable.Range(0, Seeds).Select(seed => Experiment.Compare([.. found.Select(row => row[seed])])).ToList();
        return [.. bySeed[0].Select((_, row) => Mean([.. bySeed.Select(rows => rows[row])]))];
    }

    private bool RunMissing(Settings settings, ExperimentFolder folder)
    {
        var missing = Cells(settings).Where(c => folder.Find(c.Cell) is null).ToList();
        var done = 0;
        var workers = Experiment.IsTraining ? Math.Max(1, Environment.ProcessorCount / settings.Training.Threads) : 1;
        var result = Parallel.ForEach(missing, new ParallelOptions { MaxDegreeOfParallelism = workers }, (cell, state) =>
        {
            if (Stop.IsCancellationRequested)
            {
                state.Stop();
                return;
            }

            folder.Keep(cell.Cell, Experiment.Run(cell.Settings, cell.Cell));
            if (Experiment.IsTraining)
            {
                Say(string.Create(CultureInfo.InvariantCulture, $"{Interlocked.Increment(ref done)} of {missing.Count} cells: {cell.Cell.Id}"));
            }
        });
        return result.IsCompleted;
    }

    private static ExperimentRow Mean(IReadOnlyList<ExperimentRow> seeds)
    {
        if (seeds.Count == 1)
        {
            return seeds[0];
        }

        var means = seeds[0].Values.Keys.ToDictionary(name => name, name => seeds.Average(s => s.Values[name]));
        return seeds[0] with
        {
            Values = means,
            Spreads = means.ToDictionary(m => m.Key, m => Math.Sqrt(seeds.Sum(s => Math.Pow(s.Values[m.Key] - m.Value, 2)) / (seeds.Count - 1))),
        };
    }

    /// <summary>Each cell with the row that it belongs to: a row has a cell a seed.</summary>
    private IEnumerable<(Settings Settings, ExperimentCell Row, ExperimentCell Cell)> Cells(Settings settings)
    {
        if (Seeds < 1)
        {
            throw new UserErrorException($"--seeds = {Seeds} is not allowed: it must be at least 1.");
        }

        foreach (var row in Experiment.Cells(settings))
        {
            for (var i = 0; i < Seeds; i++)
            {
                var seed = settings.Training.Seed + i;
                var seeded = settings with
                {
                    Training = settings.Training with { Seed = seed },
                    Data = settings.Data with { Partition = settings.Data.Partition with { Seed = seed } },
                };
                var text = seed.ToString(CultureInfo.InvariantCulture);
                yield return Experiment.IsTraining
                    ? (seeded, row, new ExperimentCell($"{row.Id}-seed{text}", row.Parameters.Append(new("seed", text)).ToDictionary()))
                    : (seeded, row, row);
            }
        }
    }
}
