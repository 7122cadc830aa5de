using SplitFrozen.Domain.Configuration;

namespace SplitFrozen.Cli.Experiments;

/// <summary>A grid of cells, each run on its own and kept, from which tables and plots are made.</summary>
internal interface IExperiment
{
    /// <summary>Its name on the command line.</summary>
    string Name { get; }

    /// <summary>What it finds out, for the command line's help.</summary>
    string Description { get; }

    /// <summary>What a reader of the table must know; written above it.</summary>
    string Note { get; }

    /// <summary>The shipped file that it is configured by where none is named.</summary>
    string Configuration => "local.conf";

    /// <summary>Whether cells are run for several seeds, and are slow enough that two should be run side by side.</summary>
    bool IsTraining => false;

    /// <summary>The grid, in the order of the table.</summary>
    IReadOnlyList<ExperimentCell> Cells(Settings settings);

    /// <summary>Runs one cell.</summary>
    /// <returns>What was found, by column.</returns>
    IReadOnlyDictionary<string, double> Run(Settings settings, ExperimentCell cell);

    /// <summary>Adds columns that compare rows.</summary>
    IReadOnlyList<ExperimentRow> Compare(IReadOnlyList<ExperimentRow> rows) => rows;

    /// <summary>Draws the plots into the experiment's folder.</summary>
    void Draw(string folder, IReadOnlyList<ExperimentRow> rows);
}

/// <summary>A cell of a grid.</summary>
/// <param name="Id">Names its file.</param>
/// <param name="Parameters">What it differs in from others, by column.</param>
internal sealed record ExperimentCell(string Id, IReadOnlyDictionary<string, string> Parameters);

/// <summary>A cell with what was found.</summary>
/// <param name="Cell">The cell.</param>
/// <param name="Values">Figures by column.</param>
internal sealed record ExperimentRow(ExperimentCell Cell, IReadOnlyDictionary<string, double> Values)
{
    /// <summary>Standard deviations over seeds by column; empty where there is one seed.</summary>
    public IReadOnlyDictionary<string, double> Spreads { get; init; } = new Dictionary<string, double>();

    /// <summary>Findings that are words, by column; the same columns in all rows of a table.</summary>
    public IReadOnlyDictionary<string, string> Words { get; init; } = new Dictionary<string, string>();

    /// <summary>A parameter's value.</summary>
    public string Parameter(string name) => Cell.Parameters[name];

    /// <summary>The same row with more columns.</summary>
    public ExperimentRow With(params IReadOnlyList<(string Name, double Value)> more) =>
        this with { Values = Values.Concat(more.Select(m => new KeyValuePair<string, double>(m.Name, m.Value))).ToDictionary() };
}
