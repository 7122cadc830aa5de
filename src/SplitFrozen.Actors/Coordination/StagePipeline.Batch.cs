using System.Buffers;

using Akka.Actor;

using SplitFrozen.Actors.Training;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Scheduling;
using SplitFrozen.Protocol;
using SplitFrozen.Protocol.Messages;

namespace SplitFrozen.Actors.Coordination;

/// <summary>One global batch: F, B and W of its micro-batches on all stages, then the step.</summary>
internal sealed partial class StagePipeline
{
    private readonly Dictionary<int, (ActivationBatch Batch, float[] Rented)> _kept = [];
    private readonly HashSet<int> _asked = [];
    private readonly HashSet<int> _ready = [];
    private BatchWork? _work;
    private BatchRunner? _runner;
    private double[][] _squares = [];
    private double _norm;
    private bool _stepped;

    /// <summary>Whether a global batch is at hand.</summary>
    public bool IsTraining => _work is not null;

    /// <summary>Trains a global batch.</summary>
    public void Train(BatchWork work)
    {
        (_work, _steps) = (work, work.Step);
        _ready.Clear();
        Begin(StartBatch);
    }

    /// <summary>A micro-batch of the global batch at hand can be had.</summary>
    public void Ready(int microBatch)
    {
        _ready.Add(microBatch);
        _runner?.Arrived(0, new Operation(OperationKind.Forward, microBatch));
        Advance();
    }

    /// <summary>A micro-batch that was asked for is here. It is kept until the step is made: the global batch may have to be done again.</summary>
    public void Taken(MicroBatchId id, ActivationBatch batch, float[] rented)
    {
        _asked.Remove(id.Index);
        _kept[id.Index] = (batch, rented);
        if (!_resetting && _runner?.Awaits(id.Index) == true)
        {
            _stages[0]!.Tell(new LoRATrainerActor.FirstForward(Generation, id, batch));
        }
    }

    private void StartBatch()
    {
        var schedule = PipelineSchedule.Create(order, stages, _work!.MicroBatches);
        (_runner, _stepped) = (new BatchRunner(schedule, pendingWeights), false);
        foreach (var microBatch in _ready)
        {
            _runner.Arrived(0, new Operation(OperationKind.Forward, microBatch));
        }

        Advance();
    }

    /// <summary>Starts what stages can run now.</summary>
    private void Advance()
    {
        if (_runner is null || _resetting)
        {
            return;
        }

        for (var stage = 0; stage < stages; stage++)
        {
            if (_runner.Start(stage) is { } operation)
            {
                Launch(stage, operation);
            }
        }

        if (_runner.IsWaiting)
        {
            clock.Idle();
            return;
        }

        clock.Busy();
        if (_runner.IsDone)
        {
            _squares = new double[stages][];
            TellAll(new StageCommands.ReadGradients(Generation));
        }
    }

    private void Launch(int stage, Operation operation)
    {
        var id = new MicroBatchId(_work!.Step, operation.MicroBatch);
        switch (operation.Kind)
        {
            case OperationKind.Forward when stage > 0:
                _stages[stage]!.Tell(new StageCommands.Forward(Generation, id));
                break;
            case OperationKind.Forward when _kept.TryGetValue(id.Index, out var kept):
                _stages[0]!.Tell(new LoRATrainerActor.FirstForward(Generation, id, kept.Batch));
                break;
            case OperationKind.Forward:
                if (_asked.Add(id.Index))
                {
                    _work.Ask(id);
                }

                break;
            case OperationKind.BackwardInput:
                _stages[stage]!.Tell(new StageCommands.BackwardInput(Generation, id, _runner!.SendsGradient(operation.Kind)));
                break;
            case OperationKind.BackwardWeights:
                _stages[stage]!.Tell(new StageCommands.BackwardWeights(Generation, id, _runner!.SendsGradient(operation.Kind)));
                break;
        }
    }

    private void InputArrived(StageEvents.InputArrived arrived)
    {
        if (arrived.Id.Step == _work?.Step)
        {
            _runner?.Arrived(
                arrived.Stage, new Operation(arrived.IsGradient ? OperationKind.BackwardInput : OperationKind.Forward, arrived.Id.Index));
            Advance();
        }
    }

    private void OperationDone(StageEvents.OperationDone done)
    {
        var operation = _runner!.Done(done.Stage, new TargetScore(done.LossSum, done.Targets, done.Correct));
        clock.Operation(operation.Kind, done.Seconds, done.Stage);
        Operations++;
        Overruns += done.Overran ? 1 : 0;
        Advance();
    }

    private void GradientsRead(StageEvents.GradientsRead read)
    {
        _squares[read.Stage] = read.Squares;
        if (!Answered(read.Stage))
        {
            return;
        }

        var score = _runner!.Score;
        _norm = double.IsFinite(score.LossSum) ? GradientNorm.Of(_squares.SelectMany(s => s), score.Targets) : double.NaN;
        TellAll(new StageCommands.Step(Generation, _work!.Step, _work.LearningRate, score.Targets, _norm));
    }

    private void Stepped(StageEvents.Stepped stepped)
    {
        clock.Step(stepped.Seconds, stepped.Stage);
        if (!Answered(stepped.Stage))
        {
            return;
        }

        _stepped = true;
        EndStep();
    }

    /// <summary>The global batch is done when all stages have stepped and their states are in the vault: from then on nothing of it need be done again.</summary>
    private void EndStep()
    {
        if (!_stepped || !vault.HasAll(stages, _work!.Step + 1))
        {
            return;
        }

        foreach (var (_, rented) in _kept.Values)
        {
            ArrayPool<float>.Shared.Return(rented);
        }

        var (work, score) = (_work!, _runner!.Score);
        _kept.Clear();
        (_work, _runner, _stepped) = (null, null, false);
        _steps++;
        End();
        work.Done(score, _norm);
    }

    /// <summary>A global batch to train.</summary>
    /// <param name="Step">Step of the run, from 0.</param>
    /// <param name="MicroBatches">Its micro-batches m.</param>
    /// <param name="LearningRate">Rate of the step.</param>
    /// <param name="Ask">Asks for a micro-batch, which then comes through <see cref="Taken"/>.</param>
    /// <param name="Done">Takes the score over the batch before the step, and the gradient norm; where that is not finite, no step was made.</param>
    internal sealed record BatchWork(int Step, int MicroBatches, double LearningRate, Action<MicroBatchId> Ask, Action<TargetScore, double> Done);
}
