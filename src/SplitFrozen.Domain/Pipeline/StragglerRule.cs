using SplitFrozen.Domain.Sampling;

namespace SplitFrozen.Domain.Pipeline;

/// <summary>Decides which samples a micro-batch is made of where some of those that the plan has next are not there yet.</summary>
public static class StragglerRule
{
    /// <summary>Chooses by the plan's order, from which it only departs for what is not there and need not be waited for.</summary>
    /// <param name="left">Samples that are neither trained nor struck, in the order of the plan.</param>
    /// <param name="isHere">Whether a sample's activations are on the server.</param>
    /// <param name="size">Samples of the micro-batch.</param>
    /// <param name="isLate">Whether a sample that is not there may be passed over: training has waited for it, or for others of its device, long enough.</param>
    /// <returns>The samples, in the order of the plan; null: it is to be waited.</returns>
    public static PlanSample[]? Choose(IEnumerable<PlanSample> left, Func<PlanSample, bool> isHere, int size, Func<PlanSample, bool> isLate)
    {
        var chosen = new List<PlanSample>(size);
        foreach (var sample in left)
        {
            if (chosen.Count == size)
            {
                break;
            }

            if (isHere(sample))
            {
                chosen.Add(sample);
            }
            else if (!isLate(sample))
            {
                return null;
            }
        }

        return chosen.Count == size ? [.. chosen] : null;
    }
}
