using SplitFrozen.Domain;
using SplitFrozen.Domain.Data;

namespace SplitFrozen.Model.Data;

/// <summary>Finds the files of a data folder's splits by name.</summary>
internal static class DataFolder
{
    private static readonly Dictionary<DataSplit, string[]> Names = new()
    {
        [DataSplit.Train] = ["train"],
        [DataSplit.Dev] = ["dev", "validation", "dev_matched"],
        [DataSplit.Test] = ["test"],
    };

    /// <summary>The file of each split that exists; the training split always does.</summary>
    /// <exception cref="UserErrorException">The folder or its training file is missing, or a split stands in several files.</exception>
    public static IReadOnlyDictionary<DataSplit, DataFile> Find(string folder)
    {
        if (!Directory.Exists(folder))
        {
            throw new UserErrorException($"The data folder {folder} does not exist. Set splitfrozen.data.path (--data) to a folder with train.csv, train.tsv or train.jsonl.");
        }

        var files = new Dictionary<DataSplit, DataFile>();
        foreach (var (split, names) in Names)
        {
            var found = names.SelectMany(name => DataFile.Endings.Select(ending => name + ending)).Where(name => File.Exists(Path.Combine(folder, name))).ToList();
            if (found.Count > 1)
            {
                throw new UserErrorException($"The data folder {folder} has several files for its {split.ToString().ToLowerInvariant()} split: {string.Join(", ", found)}. Keep one of them.");
            }

            if (found.Count == 1)
            {
                files[split] = DataFile.Of(Path.Combine(folder, found[0]));
            }
        }

        return files.ContainsKey(DataSplit.Train)
            ? files
            : throw new UserErrorException($"The data folder {folder} has no training rows: it should hold train.csv, train.tsv or train.jsonl.");
    }
}
