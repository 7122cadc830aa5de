using SplitFrozen.Domain.Runs;

namespace SplitFrozen.Cli.Runs;

/// <summary>Writes a run's losses, rates and scores for TensorBoard: <c>tensorboard --logdir</c> on the folder of runs shows them side by side.</summary>
internal sealed class TensorBoardWriter : IRunObserver, IDisposable
{
    private readonly Lock _gate = new();
    private readonly TensorBoardFile _file;
    private readonly TimeProvider _time;
    private readonly Action<string> _warn;
    private long _step;
    private bool _closed;

    /// <param name="folder">The folder.</param>
    /// <param name="time">The clock.</param>
    /// <param name="warn">Told when nothing more can be written; null: nobody.</param>
    public TensorBoardWriter(string folder, TimeProvider time, Action<string>? warn = null) =>
        (_file, _time, _warn) = (new TensorBoardFile(folder, time.GetUtcNow()), time, warn ?? (_ => { }));

    /// <inheritdoc/>
    public void On(RunEvent e)
    {
        lock (_gate)
        {
            // Nodes still leave after a run has ended.
            if (!_closed)
            {
                try
                {
                    Write(e, _time.GetUtcNow());
                }
                catch (IOException problem)
                {
                    // A part of a record may be there, after which none can be read: it ends here, and the run goes on.
                    _closed = true;
                    _warn($"The files for TensorBoard end here: {problem.Message} The run goes on.");
                }
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _closed = true;
            try
            {
                _file.Dispose();
            }
            catch (IOException problem)
            {
                _warn($"The files for TensorBoard are not whole: {problem.Message}");
            }
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
