namespace SplitFrozen.TestKit.Faults;

/// <summary>How far a run is through its plan. Deterministic: what strikes depends on what passed alone. Used by one thread at a time.</summary>
/// <param name="plan">The plan.</param>
public sealed class FaultCursor(FaultPlan plan)
{
    private readonly int[] _passed = new int[plan.Rules.Count];

    /// <summary>Whether all faults have struck as often as they are to.</summary>
    public bool IsDone => plan.Rules.Select((rule, i) => _passed[i] >= rule.At + rule.Times).All(done => done);

    /// <summary>Something passes a point: every rule that it matches counts it.</summary>
    /// <returns>The first rule that strikes it, or null.</returns>
    public FaultRule? Pass(FaultSite site)
    {
        FaultRule? struck = null;
        for (var i = 0; i < _passed.Length; i++)
        {
            var rule = plan.Rules[i];
            if (!rule.Matches(site))
            {
                continue;
            }

            var isDue = _passed[i] >= rule.At && _passed[i] < rule.At + rule.Times;
            if (isDue && struck is not null)
            {
                // Where another has struck, it strikes at the next.
                continue;
            }

            struck ??= isDue ? rule : null;
            _passed[i]++;
        }

        return struck;
    }
}
