using SplitFrozen.Domain.Data;
using SplitFrozen.Protocol;

namespace SplitFrozen.TestKit.Timing;

/// <summary>Data whose reading counts as at work.</summary>
/// <param name="inner">The data.</param>
/// <param name="clock">Told of it.</param>
internal sealed class ClockedData(IDataSource inner, ControlledTime clock) : IDataSource
{
    public IDataSet Open(int maxLength, IReadOnlyList<string> labels)
    {
        using var work = clock.AtWork();
        return new ClockedSet(inner.Open(maxLength, labels), clock);
    }

    private sealed class ClockedSet(IDataSet inner, ControlledTime clock) : IDataSet
    {
        public string Name => inner.Name;

        public TaskKind Task => inner.Task;

        public IReadOnlyList<string> Labels => inner.Labels;

        public IReadOnlyList<DataSplit> Splits => inner.Splits;

        public IReadOnlyList<int> TrainLabels => inner.TrainLabels;

        public int Rows(DataSplit split) => inner.Rows(split);

        public IReadOnlyList<EncodedSample> Encode(DataSplit split, IReadOnlyList<int> rows)
        {
            using var work = clock.AtWork();
            return inner.Encode(split, rows);
        }
    }
}
