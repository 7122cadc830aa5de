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
/// <param name="vault">The states of all stages.</param>
/// <param name="restore">Given a stage, steps and the state after them, before the stage goes back to it: brings it to the stage's node.</param>
/// <param name="report">Told of a stage that was started again.</param>
/// <param name="fail">Ends the run: a stage does not come back.</param>
internal sealed partial class StagePipeline(
    ScheduleKind order, int stages, int pendingWeights, RunClock clock, StageVault vault, Action<int, int, StageState> restore, Action<int, string> report,
    Action<string> fail)
{
    /// <summary>Faults in doing the same thing after which it is given up: it would not go better the next time.</summary>
    private const int MostFaults = 3;

    private readonly IActorRef?[] _stages = new IActorRef?[stages];
    private readonly HashSet<int> _answered = [];
    private readonly long[] _trainable = new long[stages];
    private Action? _again;
    private bool _resetting;
    private int _steps;
    private int _faults;

    /// <summary>Number of stages p.</summary>
    public int Count => stages;

    /// <summary>Whether all stages are loaded; they may not be connected yet.</summary>
    public bool IsLoaded => Array.TrueForAll(_stages, s => s is not null);

    /// <summary>Whether all stages are loaded and connected.</summary>
    public bool IsUp { get; private set; }

    /// <summary>Whether all stages were loaded and connected at least once: training can begin.</summary>
    public bool HasBeenUp { get; private set; }

    /// <summary>The generation: a new one begins whenever the stages go back to the last step.</summary>
    public int Generation { get; private set; }

    /// <summary>Trainable numbers of all stages.</summary>
    public long TrainableParameters => _trainable.Sum();

    /// <summary>Operations under an emulated profile that took longer than it allows.</summary>
    public long Overruns { get; private set; }

    /// <summary>F, B and W done.</summary>
    public long Operations { get; private set; }

    /// <summary>Takes what a stage tells.</summary>
    public void On(StageEvents.IStageEvent e, IActorRef sender)
    {
        if (e.Generation != Generation || e.Stage >= stages)
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

    /// <summary>Stages are lost, or their links: what they still tell does not count, and what is at hand is done again when all are back.</summary>
    /// <param name="lost">Stages that are to be loaded elsewhere.</param>
    public void Suspend(IEnumerable<int> lost)
    {
        foreach (var stage in lost)
        {
            _stages[stage] = null;
        }

        (IsUp, _resetting) = (false, true);
    }

    /// <summary>All stages are loaded and connected.</summary>
    /// <exception cref="InvalidOperationException">Some are not loaded.</exception>
    public void Up()
    {
        if (!IsLoaded)
        {
            throw new InvalidOperationException($"Stages {string.Join(", ", Enumerable.Range(0, stages).Where(s => _stages[s] is null))} are not loaded.");
        }

        IsUp = true;
        if (HasBeenUp || _resetting)
        {
            BeginGeneration();
        }

        HasBeenUp = true;
    }

    /// <summary>A state of a stage on another node came to the vault.</summary>
    public void StateKept()
    {
        if (!_resetting)
        {
            EndStep();
        }
    }

    /// <summary>Leaves what is at hand: the stages go back to the last step, and are ready for something else.</summary>
    public void Abandon()
    {
        if (_again is not null)
        {
            _again = null;
            (_work, _runner, _scoring) = (null, null, null);
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
        }
    }

    private void Loaded(StageEvents.Loaded loaded, IActorRef sender) =>
        (_stages[loaded.Stage], _trainable[loaded.Stage]) = (sender, loaded.TrainableParameters);

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

    /// <summary>All stages go back to the last step; while not all are there, that waits until they are.</summary>
    private void BeginGeneration()
    {
        _resetting = true;
        if (!IsUp)
        {
            return;
        }

        Generation++;
        _answered.Clear();
        for (var stage = 0; _steps > 0 && stage < stages; stage++)
        {
            restore(stage, _steps, vault.After(stage, _steps)!);
        }

        TellAll(new StageCommands.Reset(Generation, _steps));
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
