using System.Globalization;

using SplitFrozen.Cli.Composing;
using SplitFrozen.Domain.Configuration;

namespace SplitFrozen.Cli.Experiments;

/// <summary>An experiment whose cells are trained: each is the configuration with something changed.</summary>
internal abstract class TrainingExperiment(IComposition composition) : IExperiment
{
    /// <summary>How tables call the methods.</summary>
    protected static IReadOnlyList<string> Methods => TrainingMethods.All;

    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <inheritdoc/>
    public abstract string Description { get; }

    /// <inheritdoc/>
    public abstract string Note { get; }

    /// <inheritdoc/>
    public string Configuration => "experiments.conf";

    /// <inheritdoc/>
    public bool IsTraining => true;

    /// <inheritdoc/>
    public IReadOnlyList<ExperimentCell> Cells(Settings settings) => [.. Variants(settings).Select(v => v.Cell)];

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, double> Run(Settings settings, ExperimentCell cell) =>
        Values(composition.RunTrial(Variants(settings).First(v => cell.Id.StartsWith(v.Cell.Id + "-seed", StringComparison.Ordinal)).Settings));

    /// <inheritdoc/>
    public virtual IReadOnlyList<ExperimentRow> Compare(IReadOnlyList<ExperimentRow> rows) => rows;

    /// <inheritdoc/>
    public abstract void Draw(string folder, IReadOnlyList<ExperimentRow> rows);

    /// <summary>The cells with their configurations.</summary>
    protected abstract IEnumerable<Variant> Variants(Settings settings);

    /// <summary>The columns of a result.</summary>
    protected virtual IReadOnlyDictionary<string, double> Values(TrialResult result) => new Dictionary<string, double>
    {
        ["accuracy"] = result.After,
        ["validation"] = result.Validation,
        ["loss"] = result.Loss,
        ["accuracy_before"] = result.Before,
    };

    /// <summary>A configuration with another method.</summary>
    protected static Settings With(Settings settings, string method) => settings with { Training = settings.Training with { Method = method, LoraFrom = null } };

    /// <summary>Number of labels of the data; 0 for language modelling.</summary>
    protected int LabelsOf(Settings settings) => composition.LabelsOf(settings).Count;

    /// <summary>A cell named by its parameters.</summary>
    protected static Variant Of(Settings settings, params IReadOnlyList<(string Name, string Value)> parameters) => new(
        new ExperimentCell(
            string.Join('-', parameters.Select(p => p.Value.Replace(':', '-').Replace(' ', '-'))), parameters.ToDictionary(p => p.Name, p => p.Value)),
        settings);

    /// <summary>A number as tables and file names have it.</summary>
    protected static string Text(double value) => value.ToString(CultureInfo.InvariantCulture);

    /// <summary>A cell and its configuration.</summary>
    protected sealed record Variant(ExperimentCell Cell, Settings Settings);
}
