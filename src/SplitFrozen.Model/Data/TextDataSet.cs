using SplitFrozen.Domain;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Domain.Data;
using SplitFrozen.Protocol;

namespace SplitFrozen.Model.Data;

/// <summary>A folder of text files. Headers are read at once, rows when first asked for, and a row is tokenised only when it is wanted.</summary>
internal sealed class TextDataSet : IDataSet
{
    private readonly SampleEncoder _encoder;
    private readonly Dictionary<DataSplit, Lazy<SplitRows>> _rows = [];
    private readonly Lazy<IReadOnlyList<string>> _labels;
    private readonly Lazy<Dictionary<string, int>> _labelIds;
    private readonly Lazy<int[]> _trainLabels;

    /// <summary>Finds the folder's files and what their columns are for.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="columns">Columns that are set.</param>
    /// <param name="encoder">Makes samples of rows.</param>
    /// <param name="labels">Label names in the order of their ids; empty: the folder's own.</param>
    public TextDataSet(string folder, ColumnSettings columns, SampleEncoder encoder, IReadOnlyList<string> labels)
    {
        Name = folder;
        _encoder = encoder;
        var files = DataFolder.Find(folder);
        Task = ColumnRoles.Require(files[DataSplit.Train], columns).Task;
        foreach (var (split, file) in files)
        {
            if (ColumnRoles.Find(file, columns) is { } roles && roles.Task == Task)
            {
                _rows[split] = new Lazy<SplitRows>(() => SplitRows.Read(file, roles));
            }
        }

        _labels = new Lazy<IReadOnlyList<string>>(() => Task != TaskKind.Classification ? []
            : labels.Count > 0 ? labels
            : LabelNames.ReadCategories(folder) ?? LabelNames.Order(_rows[DataSplit.Train].Value.Rows.Select(row => row.Output)));
        _labelIds = new Lazy<Dictionary<string, int>>(
            () => Labels.Select((name, id) => (name, id)).ToDictionary(label => label.name, label => label.id, StringComparer.Ordinal));
        _trainLabels = new Lazy<int[]>(ReadTrainLabels);
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public TaskKind Task { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Labels => _labels.Value;

    /// <inheritdoc/>
    public IReadOnlyList<DataSplit> Splits => [.. _rows.Keys.Order()];

    /// <inheritdoc/>
    public IReadOnlyList<int> TrainLabels => _trainLabels.Value;

    /// <inheritdoc/>
    public int Rows(DataSplit split) => _rows.TryGetValue(split, out var rows) ? rows.Value.Rows.Count : 0;

    /// <inheritdoc/>
    public IReadOnlyList<EncodedSample> Encode(DataSplit split, IReadOnlyList<int> rows)
    {
        if (!_rows.TryGetValue(split, out var lazy))
        {
            throw new ArgumentException($"{Name} has no {split} split with labels or answers.", nameof(split));
        }

        var read = lazy.Value;
        return [.. rows.Select(index => Encode(read, read.Rows[index]))];
    }

    private EncodedSample Encode(SplitRows rows, TextRow row) => Task == TaskKind.Classification
        ? _encoder.Classification(rows.File, row, LabelId(rows, row))
        : _encoder.LanguageModel(row);

    private int[] ReadTrainLabels()
    {
        if (Task != TaskKind.Classification)
        {
            return [];
        }

        var train = _rows[DataSplit.Train].Value;
        return [.. train.Rows.Select(row => LabelId(train, row))];
    }

    private int LabelId(SplitRows rows, TextRow row) => _labelIds.Value.TryGetValue(row.Output, out var id)
        ? id
        : throw new UserErrorException(
            $"{rows.File}, line {row.Line}: the label \"{row.Output}\" is not one of the {Labels.Count} that are known "
            + $"({string.Join(", ", Labels.Take(5))}{(Labels.Count > 5 ? ", …" : "")}). "
            + "Mend the row, add the label to categories.json, or remove the file if its labels are not known.");
}
