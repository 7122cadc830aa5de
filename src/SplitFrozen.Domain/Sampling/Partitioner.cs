using SplitFrozen.Protocol;

namespace SplitFrozen.Domain.Sampling;

/// <summary>Which rows belong to whom. Rows are ascending in each list; each used row is in exactly one.</summary>
/// <param name="Devices">The rows of each device.</param>
/// <param name="Validation">Rows held out from all devices.</param>
public sealed record Partition(IReadOnlyList<int[]> Devices, int[] Validation);

/// <summary>Spreads the rows of shared training data over devices: a pure function of the specification and the rows' labels.</summary>
public static class Partitioner
{
    /// <summary>Splits rows: first the limit is drawn, then the validation rows, then the devices' parts.</summary>
    /// <param name="rows">Number of training rows.</param>
    /// <param name="labels">The label of each row, or empty where rows have none.</param>
    /// <param name="spec">What to do.</param>
    /// <exception cref="UserErrorException">The specification does not fit the data.</exception>
    public static Partition Split(int rows, IReadOnlyList<int> labels, PartitionSpec spec)
    {
        var order = Enumerable.Range(0, rows).ToArray();
        SeededRandom.For(spec.Seed, "rows").Shuffle(order.AsSpan());
        var used = spec.Limit > 0 ? Math.Min(spec.Limit, rows) : rows;
        var held = (int)Math.Round(used * spec.ValidationShare, MidpointRounding.AwayFromZero);
        var train = order[held..used];
        Check(train.Length, labels, spec);

        var parts = spec.Kind switch
        {
            PartitionKind.Iid => Deal(train, spec.Devices),
            PartitionKind.Dirichlet or PartitionKind.Balanced => Dirichlet(train, labels, spec),
            PartitionKind.Pathological => Pathological(train, labels, spec),
            PartitionKind.Quantity => Quantity(train, spec),
            _ => throw new ArgumentOutOfRangeException(nameof(spec), spec.Kind, "Not a partitioner."),
        };
        return new Partition([.. parts.Select(Sorted)], Sorted(order[..held]));
    }

    private static void Check(int rows, IReadOnlyList<int> labels, PartitionSpec spec)
    {
        if (rows < spec.Devices)
        {
            throw new UserErrorException($"There are {rows} training rows for {spec.Devices} devices. Lower splitfrozen.data.devices, or raise splitfrozen.data.limit.");
        }

        if (spec.Kind is PartitionKind.Dirichlet or PartitionKind.Balanced or PartitionKind.Pathological && labels.Count == 0)
        {
            throw new UserErrorException($"splitfrozen.data.partition = {spec.Kind.ToString().ToLowerInvariant()} spreads rows by label, and this data has no labels. Set splitfrozen.data.partition = iid or quantity.");
        }
    }

    private static IEnumerable<IReadOnlyList<int>> Deal(int[] rows, int devices) =>
        Enumerable.Range(0, devices).Select(d => rows.Where((_, i) => i % devices == d).ToList());

    /// <summary>
    /// Each label's rows are cut by a Dirichlet draw (Hsu et al. 2019), balanced: over the devices that do not have their even share yet (as in the benchmark of Li et al.
    /// 2022). A device that got nothing takes a row of the largest one.
    /// </summary>
    private static List<List<int>> Dirichlet(int[] rows, IReadOnlyList<int> labels, PartitionSpec spec)
    {
        var parts = Enumerable.Range(0, spec.Devices).Select(_ => new List<int>()).ToList();
        foreach (var label in rows.GroupBy(r => labels[r]).OrderBy(g => g.Key))
        {
            var members = label.ToArray();
            var shares = SeededRandom.For(spec.Seed, "dirichlet", label.Key).Dirichlet(spec.Alpha, spec.Devices);
            Share(members, spec.Kind == PartitionKind.Balanced ? OfOpen(shares, [.. parts.Select(p => (long)p.Count * spec.Devices < rows.Length)]) : shares, parts);
        }

        FillEmpty(parts);
        return parts;
    }

    /// <summary>Shares of those who take part, who share evenly if what they drew is nothing. As long as rows are left, somebody does.</summary>
    private static double[] OfOpen(double[] shares, bool[] isOpen)
    {
        var sum = shares.Where((_, i) => isOpen[i]).Sum();
        var even = 1.0 / isOpen.Count(o => o);
        return [.. shares.Select((share, i) => !isOpen[i] ? 0 : sum > 0 ? share / sum : even)];
    }

    /// <summary>One Dirichlet draw says how many rows each device gets.</summary>
    private static List<List<int>> Quantity(int[] rows, PartitionSpec spec)
    {
        var parts = Enumerable.Range(0, spec.Devices).Select(_ => new List<int>()).ToList();
        Share(rows, SeededRandom.For(spec.Seed, "quantity").Dirichlet(spec.Alpha, spec.Devices), parts);
        FillEmpty(parts);
        return parts;
    }

    /// <summary>Cuts rows into consecutive pieces of these shares, one for each part.</summary>
    private static void Share(int[] rows, double[] shares, List<List<int>> parts)
    {
        var (start, sum) = (0, 0.0);
        for (var device = 0; device < parts.Count; device++)
        {
            sum += shares[device];
            var end = device == parts.Count - 1 ? rows.Length : (int)Math.Round(sum * rows.Length, MidpointRounding.AwayFromZero);
            parts[device].AddRange(rows[start..end]);
            start = end;
        }
    }

    private static void FillEmpty(List<List<int>> parts)
    {
        foreach (var empty in parts.Where(p => p.Count == 0))
        {
            var largest = parts.MaxBy(p => p.Count)!;
            empty.Add(largest[^1]);
            largest.RemoveAt(largest.Count - 1);
        }
    }

    /// <summary>Each device gets k labels (McMahan et al. 2017), dealt in turn so that each label has a holder; a label's rows are shared equally by its holders.</summary>
    private static List<List<int>> Pathological(int[] rows, IReadOnlyList<int> labels, PartitionSpec spec)
    {
        var names = rows.Select(r => labels[r]).Distinct().Order().ToArray();
        var perDevice = Math.Min(spec.LabelsPerDevice, names.Length);
        if ((long)perDevice * spec.Devices < names.Length)
        {
            throw new UserErrorException($"{spec.Devices} devices with {perDevice} labels each cannot hold {names.Length} labels: rows would be lost. Raise splitfrozen.data.labels-per-device to {EpochPlan.StepsPerEpoch(names.Length, spec.Devices)} or more, or splitfrozen.data.devices.");
        }

        SeededRandom.For(spec.Seed, "labels").Shuffle(names.AsSpan());
        var holders = names.ToDictionary(n => n, _ => new List<int>());
        for (var slot = 0; slot < perDevice * spec.Devices; slot++)
        {
            holders[names[slot % names.Length]].Add(slot / perDevice);
        }

        var parts = Enumerable.Range(0, spec.Devices).Select(_ => new List<int>()).ToList();
        foreach (var label in rows.GroupBy(r => labels[r]))
        {
            var to = holders[label.Key];
            foreach (var (row, i) in label.Select((row, i) => (row, i)))
            {
                parts[to[i % to.Count]].Add(row);
            }
        }

        return parts;
    }

    private static int[] Sorted(IReadOnlyList<int> rows)
    {
        var sorted = rows.ToArray();
        Array.Sort(sorted);
        return sorted;
    }
}
