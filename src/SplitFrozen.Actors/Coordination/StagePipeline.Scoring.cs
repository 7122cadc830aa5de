using System.Diagnostics;

using Akka.Actor;

using SplitFrozen.Actors.Training;
using SplitFrozen.Domain.Evaluation;
using SplitFrozen.Domain.Models;
using SplitFrozen.Protocol.Messages;

namespace SplitFrozen.Actors.Coordination;

/// <summary>Scoring held-out sets, collecting the stages' state, and setting it.</summary>
internal sealed partial class StagePipeline
{
    private ScoringWork? _scoring;

    /// <summary>Scores a set that lies at the frozen line.</summary>
    /// <param name="batches">The set.</param>
    /// <param name="done">Takes the sum over all batches and the seconds it took.</param>
    public void Score(IReadOnlyList<ActivationBatch> batches, Action<TargetScore, double> done) => Begin(() =>
    {
        _scoring = new ScoringWork(batches, done);
        if (batches.Count == 0)
        {
            EndScoring();
        }

        // One batch for each stage and one that waits keep all of them at work.
        for (var i = 0; i <= stages; i++)
        {
            ScoreNext();
        }
    });

    /// <summary>Gives adapter and optimiser of all stages after the last step. The vault has them, even while a stage is lost.</summary>
    public void Collect(Action<StageState> done) => done(vault.Whole(stages, _steps));

    /// <summary>Sets all stages, which must be there, to the state after so many steps. Each is given the state of all, and passes over what is others'.</summary>
    public void Restore(int steps, StageState state, Action done)
    {
        for (var stage = 0; stage < stages; stage++)
        {
            vault.Keep(stage, steps, state);
        }

        _steps = steps;
        _again = () =>
        {
            End();
            done();
        };
        BeginGeneration();
    }

    private void ScoreNext()
    {
        if (_scoring is { } work && work.Sent < work.Batches.Count)
        {
            _stages[0]!.Tell(new LoRATrainerActor.Score(Generation, work.Sent, work.Batches[work.Sent]));
            work.Sent++;
        }
    }

    private void Scored(StageEvents.Scored scored)
    {
        if (_scoring is not { } work)
        {
            return;
        }

        // Batches come back in their order, as each stage and each link keeps it: the sum has the bits that one stage's has.
        work.Sum += new TargetScore(scored.LossSum, scored.Targets, scored.Correct)
        {
            Confusion = scored.Labels > 0 ? ConfusionMatrix.Of(scored.Actual, scored.Predicted, scored.Labels) : null,
        };
        if (++work.Received == work.Batches.Count)
        {
            EndScoring();
        }
        else
        {
            ScoreNext();
        }
    }

    private void EndScoring()
    {
        var work = _scoring!;
        _scoring = null;
        End();
        work.Done(work.Sum, Stopwatch.GetElapsedTime(work.Started).TotalSeconds);
    }

    private sealed class ScoringWork(IReadOnlyList<ActivationBatch> batches, Action<TargetScore, double> done)
    {
        public IReadOnlyList<ActivationBatch> Batches => batches;

        public Action<TargetScore, double> Done => done;

        public long Started { get; } = Stopwatch.GetTimestamp();

        public int Sent { get; set; }

        public int Received { get; set; }

        public TargetScore Sum { get; set; }
    }
}
