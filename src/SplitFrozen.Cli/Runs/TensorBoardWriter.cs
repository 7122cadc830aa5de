using SplitFrozen.Domain.Runs;

namespace SplitFrozen.Cli.Runs;

/// <summary>Writes a run's losses, rates and scores for TensorBoard: <c>tensorboard --logdir</c> on the folder of runs shows them side by side.</summary>
internal sealed class TensorBoardWriter : IRunObserver, IDisposable
{
    private readonly Lock _gate = new();
    private readonly TensorBoardFile _file;
    private readonly TimeProvider _time;
    private long _step;
    private bool _closed;

    public TensorBoardWriter(string folder, TimeProvider time) => (_file, _time) = (new TensorBoardFile(folder, time.GetUtcNow()), time);

    /// <inheritdoc/>
    public void On(RunEvent e)
    {
        lock (_gate)
        {
            // Nodes still leave after a run has ended.
            if (!_closed)
            {
                Write(e, _time.GetUtcNow());
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _closed = true;
            _file.Dispose();
        }
    }

    private void Write(RunEvent e, DateTimeOffset now)
    {
        switch (e)
        {
            case RunEvent.StepDone step:
                _step = step.Step + 1;
                _file.Scalar("training/loss", step.Score.MeanLoss, _step, now);
                _file.Scalar("training/gradient_norm", step.GradientNorm, _step, now);
                _file.Scalar("training/learning_rate", step.LearningRate, _step, now);
                if (step.LabelDistance is { } distance)
                {
                    _file.Scalar("training/label_distance", distance, _step, now);
                }

                break;
            case RunEvent.Evaluated evaluated:
                var name = evaluated.Name is "before" or "after" ? "evaluation" : evaluated.Name;
                _file.Scalar($"{name}/accuracy", evaluated.Score.Accuracy, _step, now);
                _file.Scalar($"{name}/loss", evaluated.Score.MeanLoss, _step, now);
                _file.Flush();
                break;
            case RunEvent.EpochTrained epoch:
                _file.Scalar("epoch/seconds", epoch.Seconds, _step, now);
                _file.Scalar("epoch/received_bytes", epoch.ReceivedBytes, _step, now);
                break;
        }
    }
}
