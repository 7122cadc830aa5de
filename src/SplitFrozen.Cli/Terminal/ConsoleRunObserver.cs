using System.Threading.Channels;

using SplitFrozen.Cli.Allocation;
using SplitFrozen.Domain.Runs;

using Spectre.Console;

namespace SplitFrozen.Cli.Terminal;

/// <summary>
/// Shows a run on a terminal: who joined, who got which layers, a progress bar, scores. Where there is no terminal, progress is plain lines. Events
/// are queued and shown by one task of its own, so that those who report them never wait for a terminal.
/// </summary>
internal sealed class ConsoleRunObserver : IRunObserver, IAsyncDisposable
{
    /// <summary>How often progress is told where it cannot be drawn.</summary>
    private static readonly TimeSpan LineInterval = TimeSpan.FromSeconds(10);

    /// <summary>How long a wait lasts before it is told; most are over at once.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    private readonly Channel<Action> _queue = Channel.CreateUnbounded<Action>(new() { SingleReader = true });
    private readonly DeviceBoard _devices = new();
    private readonly IAnsiConsole _console;
    private readonly TimeProvider _time;
    private readonly ITimer _patience;
    private readonly Task _shown;
    private RunProgress? _progress;
    private DateTimeOffset _lastLine;
    private string? _waiting;
    private string? _told;
    private bool _boardShown;
    private bool _storeShown;
    private bool _ended;

    public ConsoleRunObserver(IAnsiConsole console, TimeProvider time)
    {
        (_console, _time) = (console, time);
        _patience = time.CreateTimer(_ => _queue.Writer.TryWrite(ShowWaiting), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _shown = Task.Run(ShowAllAsync);
    }

    /// <inheritdoc/>
    public void On(RunEvent e)
    {
        var at = _time.GetUtcNow();
        _queue.Writer.TryWrite(() => Show(e, at));
        if (e is RunEvent.Waiting)
        {
            _patience.Change(Patience, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>Shows a line that does not come from the run.</summary>
    public void Announce(string text) => _queue.Writer.TryWrite(() => Line("yellow", "stopping", text));

    /// <summary>Says that something went wrong over which the run goes on.</summary>
    public void Warn(string text) => _queue.Writer.TryWrite(() => Line("red", "warning", text));

    /// <summary>Waits until everything reported so far is shown.</summary>
    public async ValueTask DisposeAsync()
    {
        await _patience.DisposeAsync().ConfigureAwait(false);
        _queue.Writer.TryComplete();
        await _shown.ConfigureAwait(false);
    }

    private async Task ShowAllAsync()
    {
        await foreach (var show in _queue.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            show();
            if (_progress is not null && !_ended && _console.IsLive())
            {
                await TrainingBar.ShowAsync(_console, _progress, ShowUntilEndAsync).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Shows events above the bar, which is told of each step.</summary>
    private async Task ShowUntilEndAsync(Action refresh)
    {
        await foreach (var show in _queue.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            show();
            refresh();
            if (_ended)
            {
                return;
            }
        }
    }

    private void Show(RunEvent e, DateTimeOffset at)
    {
        switch (e)
        {
            case RunEvent.NodeJoined joined:
                Line("grey", "node", $"{joined.Node} joined as {joined.Role} at {joined.Address[(joined.Address.LastIndexOf('@') + 1)..]}");
                break;
            case RunEvent.NodeLeft left when !_ended:
                Line("grey", "node", $"{left.Node} ({left.Role}) left");
                break;
            case RunEvent.DeviceJoined joined:
                _devices.Note(joined);
                Line("green", "device", $"{joined.Device} on {joined.Node} with {Units.Number(joined.Samples)} samples, {Units.Count(joined.Capacity.LayerTokensPerSecond)} tokens/s a layer");
                break;
            case RunEvent.StageProblem problem:
                Line("yellow", "stage", $"{problem.Stage}: {problem.Problem}");
                break;
            case RunEvent.DeviceLeft left:
                Line("grey", "device", $"{left.Device} left {left.Node} in order");
                break;
            case RunEvent.TrainingWaits waits:
                Line("yellow", "waiting", $"for {waits.Device} on {waits.Node} since {Units.Seconds(waits.WaitedSeconds)}: its part was predicted to take {DecisionView.Time(waits.PredictedSeconds)}, and has taken {Units.Seconds(waits.AchievedSeconds)}");
                break;
            case RunEvent.ServerJoined joined:
                Line("green", "server", $"{joined.Node} trains {Units.Count(joined.FlopsPerSecond)} FLOP/s");
                break;
            case RunEvent.StagePlaced placed:
                Line("green", "stage", $"{placed.Stage}: blocks {placed.From} to {placed.To - 1} on {placed.Node}");
                break;
            case RunEvent.ServerProblem problem:
                Line("yellow", "server", $"{problem.Node}: {problem.Problem}");
                break;
            case RunEvent.DeviceProblem problem:
                Line("yellow", "device", $"{problem.Device}: {problem.Problem}");
                break;
            case RunEvent.ControlRefused refused:
                Line("yellow", "control", $"refused ({Units.Number(refused.Count)} so far) what {refused.From} sent: {refused.Message}");
                break;
            case RunEvent.NodeQuarantined quarantined:
                Line("red", "node", $"{quarantined.From} is not listened to any more{(quarantined.Devices.Count > 0 ? $", and {string.Join(", ", quarantined.Devices)} put out" : "")}: {quarantined.Reason}");
                break;
            case RunEvent.ChannelRefused refused:
                Line("yellow", "channel", $"refused ({refused.Fault}, {Units.Number(refused.Count)} so far) what {refused.Device?.Value ?? "an unknown peer"} sent: {refused.Message}");
                break;
            case RunEvent.LayersAssigned layers:
                Show(layers);
                break;
            case RunEvent.Waiting waiting:
                _waiting = waiting.For == _told ? null : waiting.For;
                break;
            case RunEvent.TrainingStarted started:
                (_progress, _lastLine, _waiting) = (new RunProgress(started), at, null);
                Line("blue", "training", $"{started.Epochs} epochs of {Units.Number(started.StepsPerEpoch)} steps, {Units.Number(started.SamplesPerEpoch)} samples an epoch");
                break;
            case RunEvent.StepDone step:
                (_told, _waiting) = (null, null);
                Show(step, at);
                break;
            case RunEvent.LabelMixAlarm alarm:
                Line("yellow", "labels", $"the label mix of global batches lies {alarm.Excess:0.00} farther from the overall one than chance explains: training may suffer (splitfrozen.training.order)");
                break;
            case RunEvent.StoreState store when !_storeShown && store.Samples > 0:
                _storeShown = true;
                Line("green", "store", $"{Units.Number(store.Samples)} of {Units.Number(store.Of)} samples kept, {Units.Bytes(store.MemoryBytes)} in memory, {Units.Bytes(store.DiskBytes)} on disk"
                    + (store.Samples == store.Of ? "; devices are needed no more and may leave" : ""));
                break;
            case RunEvent.Evaluated evaluated:
                _waiting = null;
                Line("blue", "accuracy", $"{evaluated.Score.Accuracy:0.000} {Occasion(evaluated)} (loss {Units.Loss(evaluated.Score.MeanLoss)})");
                break;
            case RunEvent.StoppedEarly early:
                Line("yellow", "stop", $"after {early.Epoch} epochs: {early.Reason}");
                break;
            case RunEvent.CheckpointWritten checkpoint:
                Line("grey", "saved", $"checkpoint at step {checkpoint.Step}");
                break;
            case RunEvent.CheckpointFailed failed:
                Line("yellow", "saved", $"nothing: the checkpoint at step {failed.Step} could not be written ({failed.Reason}); the one before it is kept");
                break;
            case RunEvent.CheckpointRefused refused:
                Line("yellow", "resume", $"not from {refused.Problem}");
                break;
            case RunEvent.Resumed resumed:
                Line("blue", "resume", resumed.Step == 0 ? "from the start: there is no checkpoint yet" : $"after step {resumed.Step}, in epoch {resumed.Epoch + 1}");
                break;
            case RunEvent.Ended or RunEvent.Failed:
                (_ended, _waiting) = (true, null);
                break;
        }
    }

    private void ShowWaiting()
    {
        if (_waiting is not null)
        {
            Line("grey", "waiting", $"for {_waiting}");
            (_told, _waiting) = (_waiting, null);
        }
    }

    private void Show(RunEvent.LayersAssigned layers)
    {
        _devices.Note(layers);
        if (_boardShown)
        {
            Line("green", "device", $"{layers.Device} got {layers.Layers} layers: {layers.Reason}");
        }
        else if (_devices.IsComplete)
        {
            _boardShown = true;
            _console.Write(_devices.Render());
        }
    }

    private void Show(RunEvent.StepDone step, DateTimeOffset at)
    {
        _progress?.Step(step, at);
        if (_progress is not null && !_console.IsLive() && at - _lastLine >= LineInterval)
        {
            _lastLine = at;
            Line("blue", "training", TrainingBar.Text(_progress));
        }
    }

    private static string Occasion(RunEvent.Evaluated evaluated) => evaluated.Name switch
    {
        "before" => "before training",
        "after" => "after training",
        _ => $"in {evaluated.Name} after epoch {evaluated.Epoch}",
    };

    /// <summary>One line for one event: where there is no terminal it is not wrapped, so that other programs can read it.</summary>
    private void Line(string colour, string subject, string text)
    {
        if (_console.Profile.Out.IsTerminal)
        {
            _console.MarkupLine($"[{colour}]{subject,-9}[/] {Markup.Escape(text)}");
        }
        else
        {
            _console.Profile.Out.Writer.WriteLine($"{subject,-9} {text}");
        }
    }
}
