using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Pipeline;
using SplitFrozen.Domain.Runs;
using SplitFrozen.Protocol;
using SplitFrozen.TestKit.StandIn;

using Xunit;

namespace SplitFrozen.Actors.Tests.Training;

/// <summary>A server that was stopped between looking at the lease and writing, and wakes after another has taken over, reaches nothing of the run.</summary>
public sealed class FenceSpecs : IDisposable
{
    private static readonly TrainerSpec Spec = new(TaskKind.Classification, 2, 2, new LoraSpec(2, 4, 0, []), 0.01, 1, 1);

    private readonly RunPaths _paths = new(Directory.CreateTempSubdirectory("splitfrozen-fence-").FullName);
    private readonly StandInModel _model = new(layers: 4);

    [Fact(DisplayName = "A checkpoint of a former holder does not come to its place, nor takes the place of another's, whole or damaged")]
    public void Should_keep_late_checkpoints_out()
    {
        using var former = Lease();
        former.TryTake();
        Write(former.Gate, step: 1);
        var gate = former.Gate;
        using var holder = TakeOver();
        Write(holder.Gate, step: 2);
        File.Delete(Path.Combine(Step(2), "state.json"));

        Assert.ThrowsAny<IOException>(() => Write(gate, step: 2));
        Assert.ThrowsAny<IOException>(() => Write(gate, step: 3));
        Assert.False(Directory.Exists(gate));
        Assert.False(Directory.Exists(Step(3)));
        Assert.False(File.Exists(Path.Combine(Step(2), "state.json")));
        Write(holder.Gate, step: 2);
        Assert.Equal(2, Checkpoint.Latest(_paths.Checkpoints, _ => null, _ => { })?.State.Step);
    }

    [Fact(DisplayName = "A line of a former holder, which has the ledger open, is in nobody's ledger")]
    public void Should_keep_late_lines_out()
    {
        using var former = LedgerFile.Open(_paths.Ledger, 0);
        former.Append(new LedgerRecord.Closed(0));
        var bytes = former.Bytes;
        former.Append(new LedgerRecord.Closed(1));
        using var holder = LedgerFile.Open(_paths.Ledger, bytes);
        former.Append(new LedgerRecord.Closed(2));
        holder.Append(new LedgerRecord.Closed(3));
        former.Append(new LedgerRecord.Closed(4));

        Assert.Equal([0, 3], LedgerFile.Read(_paths.Ledger).Records.OfType<LedgerRecord.Closed>().Select(c => c.Epoch));
    }

    public void Dispose() => Directory.Delete(_paths.Folder, recursive: true);

    private RunLease Lease() => new(_paths, "server", TimeSpan.FromMilliseconds(1), TimeProvider.System, isRenewed: false);

    private RunLease TakeOver()
    {
        var lease = Lease();
        Assert.True(SpinWait.SpinUntil(lease.TryTake, TimeSpan.FromSeconds(10)));
        return lease;
    }

    private string Step(int step) => Path.Combine(_paths.Checkpoints, $"step-{step:D8}");

    private void Write(string gate, int step)
    {
        using var stage = _model.LoadTrainer(Spec);
        Checkpoint.Write(_paths.Checkpoints, 2, _model, Spec, stage.AdapterTensors(), stage.OptimizerTensors(), new CheckpointState(step, 0, step, 0, 1, []), gate);
    }
}
