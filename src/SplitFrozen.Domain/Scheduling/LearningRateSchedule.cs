using SplitFrozen.Domain.Configuration;

namespace SplitFrozen.Domain.Scheduling;

/// <summary>The learning rate over the steps of a run.</summary>
/// <param name="Peak">Largest rate.</param>
/// <param name="WarmupShare">Share of the steps with a rising rate, in [0, 1].</param>
/// <param name="Decay">How it falls after that.</param>
/// <param name="TotalSteps">Steps of the run, at least 1.</param>
public sealed record LearningRateSchedule(double Peak, double WarmupShare, LearningRateDecay Decay, int TotalSteps)
{
    /// <summary>Steps in which the rate rises, rounded up.</summary>
    public int WarmupSteps => (int)Math.Ceiling(WarmupShare * TotalSteps);

    /// <summary>The rate of a step, from 0: peak · (step + 1) / w in the w warm-up steps, then from the peak towards zero, which the step after the last would have.</summary>
    public double At(int step)
    {
        var warmup = WarmupSteps;
        if (step < warmup)
        {
            return Peak * (step + 1) / warmup;
        }

        var left = Math.Clamp((double)(TotalSteps - step) / Math.Max(1, TotalSteps - warmup), 0, 1);
        return Decay switch
        {
            LearningRateDecay.Linear => Peak * left,
            LearningRateDecay.Cosine => Peak * (1 - Math.Cos(Math.PI * left)) / 2,
            _ => Peak,
        };
    }
}
