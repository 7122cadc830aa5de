using SplitFrozen.Domain;
using SplitFrozen.Domain.Configuration;
using SplitFrozen.Protocol;

namespace SplitFrozen.Cli.Experiments;

/// <summary>How experiments spread data over devices: by label where rows have labels, and by amount where they have none.</summary>
internal static class DataSpreads
{
    /// <summary>Evenly, and in the uneven ways that such data allow.</summary>
    /// <param name="settings">The configuration.</param>
    /// <param name="labels">Number of labels; 0 for language modelling.</param>
    /// <exception cref="UserErrorException">A file says how the data are spread.</exception>
    public static IReadOnlyList<PartitionKind> Kinds(Settings settings, int labels)
    {
        RefuseFile(settings);
        return labels > 0 ? [PartitionKind.Iid, PartitionKind.Dirichlet, PartitionKind.Pathological] : [PartitionKind.Iid, PartitionKind.Quantity];
    }

    /// <summary>How tables call a kind.</summary>
    public static string NameOf(PartitionKind kind) => kind.ToString().ToLowerInvariant();

    /// <summary>A configuration whose data are spread so. A device has fewer labels than there are, or pathological data would be even.</summary>
    /// <exception cref="UserErrorException">A file says how the data are spread.</exception>
    public static Settings With(Settings settings, PartitionKind kind, int labels, double? alpha = null)
    {
        RefuseFile(settings);
        var partition = settings.Data.Partition;
        return settings with
        {
            Data = settings.Data with
            {
                Partition = partition with
                {
                    Kind = kind,
                    Alpha = alpha ?? partition.Alpha,
                    LabelsPerDevice = Math.Max(1, Math.Min(partition.LabelsPerDevice, labels - 1)),
                },
            },
        };
    }

    private static void RefuseFile(Settings settings)
    {
        if (settings.Data.PartitionFile is { } file)
        {
            throw new UserErrorException(
                $"splitfrozen.data.partition-file = {file} is one split, and this experiment compares several of its own. Leave the key out, or compare runs of `train`.");
        }
    }
}
