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
    private StageCollection? _collection;
    private Action<StageState>? _collected;
    private Action? _restored;

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

    /// <summary>Collects adapter and optimiser state of all stages.</summary>
    public void Collect(Action<StageState> done) => Begin(() =>
    {
        (_collection, _collected) = (new StageCollection(stages), done);
        TellAll(new StageCommands.Collect(_generation));
    });

    /// <summary>Sets adapter and optimiser of all stages to what they were after so many steps.</summary>
    public void Restore(int steps, StageState state, Action done) => Begin(() =>
    {
        _restored = () =>
        {
            _steps = steps;
            End();
            done();
        };
        TellState(state.Adapter, isOptimizer: false);
        TellState(state.Optimizer, isOptimizer: true);
        TellAll(new StageCommands.Restore(_generation, steps));
    });

    private void TellState(IReadOnlyList<TensorData> tensors, bool isOptimizer)
    {
        foreach (var (tensor, part) in StageState.Parts(tensors))
        {
            TellAll(new StageCommands.StatePart(_generation, isOptimizer, tensor.Name, [.. tensor.Shape], tensor.Bytes.Length, part));
        }
    }

    private void Restored(StageEvents.Restored restored)
    {
        if (Answered(restored.Stage))
        {
            _restored?.Invoke();
        }
    }

    private void ScoreNext()
    {
        if (_scoring is { } work && work.Sent < work.Batches.Count)
        {
            _stages[0]!.Tell(new LoRATrainerActor.Score(_generation, work.Sent, work.Batches[work.Sent]));
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

    private void Collected(StageEvents.Collected collected)
    {
        _collection?.Complete(collected.Stage);
        if (_collection is { IsComplete: true } complete)
        {
            var done = _collected!;
            (_collection, _collected) = (null, null);
            End();
            done(complete.State());
        }
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
