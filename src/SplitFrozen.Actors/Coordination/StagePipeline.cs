using Akka.Actor;

using SplitFrozen.Actors.Training;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Domain.Scheduling;
using SplitFrozen.Protocol.Messages;

namespace SplitFrozen.Actors.Coordination;

/// <summary>
/// The trainer stages as the coordinator sees them: one thing that trains a global batch, scores a set or tells its state, one at a time. When a stage was started
/// again after a fault, all stages go back to the last step and what was at hand is done again. Belongs to the coordinator and runs inside it.
/// </summary>
/// <param name="order">The order of F, B and W.</param>
/// <param name="stages">Number of stages p.</param>
/// <param name="pendingWeights">W that a stage may put off.</param>
/// <param name="clock">Told how long operations take.</param>
/// <param name="report">Told of a stage that was started again.</param>
/// <param name="fail">Ends the run: a stage does not come back.</param>
internal sealed partial class StagePipeline(
    ScheduleKind order, int stages, int pendingWeights, RunClock clock, Action<int, string> report, Action<string> fail)
{
    /// <summary>Faults in doing the same thing after which it is given up: it would not go better the next time.</summary>
    private const int MostFaults = 3;

    private readonly IActorRef?[] _stages = new IActorRef?[stages];
    private readonly HashSet<int> _answered = [];
    private Action? _again;
    private bool _resetting;
    private int _generation;
    private int _steps;
    private int _faults;

    /// <summary>Number of stages p.</summary>
    public int Count => stages;

    /// <summary>Whether all stages are loaded.</summary>
    public bool IsLoaded => Array.TrueForAll(_stages, s => s is not null);

    /// <summary>Trainable numbers of all stages.</summary>
    public long TrainableParameters { get; private set; }

    /// <summary>Operations under an emulated profile that took longer than it allows.</summary>
    public long Overruns { get; private set; }

    /// <summary>F, B and W done.</summary>
    public long Operations { get; private set; }

    /// <summary>Takes what a stage tells.</summary>
    public void On(StageEvents.IStageEvent e, IActorRef sender)
    {
        if (e.Generation != _generation || e.Stage >= stages)
        {
            return;
        }

        switch (e)
        {
            case StageEvents.Loaded loaded:
                Loaded(loaded, sender);
                break;
            case StageEvents.Restarted restarted:
                Recover(restarted);
                break;
            case StageEvents.ResetDone when _resetting && Answered(e.Stage):
                _resetting = false;
                _again?.Invoke();
                break;
            case var other when !_resetting:
                OnWork(other);
                break;
        }
    }

    /// <summary>Leaves what is at hand: the stages go back to the last step, and are ready for something else.</summary>
    public void Abandon()
    {
        if (_again is not null)
        {
            _again = null;
            (_work, _runner, _scoring, _collection, _collected, _restored) = (null, null, null, null, null, null);
            BeginGeneration();
        }
    }

    private void OnWork(StageEvents.IStageEvent e)
    {
        switch (e)
        {
            case StageEvents.InputArrived arrived:
                InputArrived(arrived);
                break;
            case StageEvents.OperationDone done:
                OperationDone(done);
                break;
            case StageEvents.GradientsRead read:
                GradientsRead(read);
                break;
            case StageEvents.Stepped stepped:
                Stepped(stepped);
                break;
            case StageEvents.Scored scored:
                Scored(scored);
                break;
            case StageEvents.Restored restored:
                Restored(restored);
                break;
            case StageEvents.TensorPart part:
                _collection?.Add(part);
                break;
            case StageEvents.Collected collected:
                Collected(collected);
                break;
        }
    }

    private void Loaded(StageEvents.Loaded loaded, IActorRef sender)
    {
        _stages[loaded.Stage] = sender;
        TrainableParameters += loaded.TrainableParameters;
        if (!IsLoaded)
        {
            return;
        }

        for (var stage = 0; stage < stages; stage++)
        {
            _stages[stage]!.Tell(new LoRATrainerActor.Join(
                stage + 1 < stages ? _stages[stage + 1]! : ActorRefs.Nobody, stage > 0 ? _stages[stage - 1]! : ActorRefs.Nobody));
        }
    }

    private void Recover(StageEvents.Restarted restarted)
    {
        report(restarted.Stage, restarted.Reason);
        if (++_faults > MostFaults)
        {
            fail($"Stage {restarted.Stage} failed {_faults} times at step {_steps}: {restarted.Reason}");
            return;
        }

        BeginGeneration();
    }

    private void BeginGeneration()
    {
        _generation++;
        _resetting = true;
        _answered.Clear();
        TellAll(new StageCommands.Reset(_generation, _steps));
    }

    /// <summary>Begins something that is done again from its beginning if a stage fails meanwhile.</summary>
    private void Begin(Action work)
    {
        _again = work;
        if (!_resetting)
        {
            work();
        }
    }

    /// <summary>What was at hand is done.</summary>
    private void End() => (_again, _faults) = (null, 0);

    private void TellAll(object message)
    {
        foreach (var stage in _stages)
        {
            stage!.Tell(message);
        }
    }

    /// <summary>Notes a stage's answer.</summary>
    /// <returns>Whether all have answered; the next question begins anew.</returns>
    private bool Answered(int stage)
    {
        _answered.Add(stage);
        if (_answered.Count < stages)
        {
            return false;
        }

        _answered.Clear();
        return true;
    }
}
