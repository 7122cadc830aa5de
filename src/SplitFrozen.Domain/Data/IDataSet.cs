using SplitFrozen.Protocol;

namespace SplitFrozen.Domain.Data;

/// <summary>Which part of a data set.</summary>
public enum DataSplit
{
    /// <summary>Training rows.</summary>
    Train,

    /// <summary>Development rows, where the set has them.</summary>
    Dev,

    /// <summary>Test rows, where the set has them with labels.</summary>
    Test,
}

/// <summary>A folder of data, recognised and opened. Rows are counted from 0 in file order. Thread-safe.</summary>
public interface IDataSet
{
    /// <summary>Where it was read from, for messages to people.</summary>
    string Name { get; }

    /// <summary>What can be learned from it.</summary>
    TaskKind Task { get; }

    /// <summary>Label names in the order of their ids; empty for language modelling.</summary>
    IReadOnlyList<string> Labels { get; }

    /// <summary>Splits that exist and carry labels or answers.</summary>
    IReadOnlyList<DataSplit> Splits { get; }

    /// <summary>Number of rows of a split; 0 if it does not exist.</summary>
    int Rows(DataSplit split);

    /// <summary>The label ids of all training rows; empty for language modelling.</summary>
    IReadOnlyList<int> TrainLabels { get; }

    /// <summary>Tokenises rows of a split, each cut off at the maximum length.</summary>
    IReadOnlyList<EncodedSample> Encode(DataSplit split, IReadOnlyList<int> rows);
}

/// <summary>Opens the data folder that a node reads. Implemented beside the tokenizers; cheap to hold, reads files when asked.</summary>
public interface IDataSource
{
    /// <summary>Opens the folder.</summary>
    /// <param name="maxLength">Samples are cut off at this many tokens.</param>
    /// <param name="labels">Label names in the order of their ids as the server has them; empty: take them from the folder. A row with another label is a <see cref="UserErrorException"/> that names it.</param>
    IDataSet Open(int maxLength, IReadOnlyList<string> labels);
}
