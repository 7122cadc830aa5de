using System.Diagnostics;

using Akka.Actor;

using SplitFrozen.Actors.Channel;
using SplitFrozen.Domain.Data;
using SplitFrozen.Domain.Models;

namespace SplitFrozen.Actors.Shuffle;

/// <summary>
/// Owns the server's frozen blocks [0, C): completes blocks n..C for units of weak devices, on exactly the unit that arrived, and runs the
/// held-out sets to the frozen line once. Computes on a thread of its own.
/// </summary>
internal sealed class CatchUpActor : ReceiveActor
{
    private readonly IModelSource _model;
    private readonly int _cut;
    private readonly int _unitTokens;
    private readonly bool _checkRows;
    private IFrozenBlocks? _frozen;

    /// <param name="model">The model folder.</param>
    /// <param name="cut">The frozen line C.</param>
    /// <param name="unitTokens">Token budget of a forward unit.</param>
    /// <param name="checkRows">Whether to test that a sample's activations do not depend on its company, and tell the parent.</param>
    public CatchUpActor(IModelSource model, int cut, int unitTokens, bool checkRows)
    {
        (_model, _cut, _unitTokens, _checkRows) = (model, cut, unitTokens, checkRows);
        Receive<CatchUp>(m => Complete(m.Unit));
        Receive<Freeze>(m => FreezeSet(m));
    }

    protected override void PreStart()
    {
        _frozen = _model.LoadFrozen(_cut);
        if (_checkRows)
        {
            Context.Parent.Tell(new RowsChecked(RowInvariance.Holds(_frozen, _cut, _model.Shape.Context)));
        }
    }

    protected override void PostStop() => _frozen?.Dispose();

    private void Complete(ActivationUnit unit)
    {
        var header = unit.Header;
        var started = Stopwatch.GetTimestamp();
        var values = unit.Values.Span;
        _frozen!.Continue(values, header.Lengths, header.Depth, _cut, values);
        Sender.Tell(new CaughtUp(unit, Stopwatch.GetElapsedTime(started).TotalSeconds));
    }

    private void FreezeSet(Freeze set)
    {
        var started = Stopwatch.GetTimestamp();
        var batches = Evaluator.Freeze(_frozen!, set.Samples, _cut, _unitTokens);
        Sender.Tell(new Frozen(set.Name, batches, Stopwatch.GetElapsedTime(started).TotalSeconds));
    }

    /// <summary>Whether a sample's activations have the same bits in any company.</summary>
    internal sealed record RowsChecked(bool Hold) : ILocalMessage;

    /// <summary>Run this unit to the frozen line, in its own buffer.</summary>
    internal sealed record CatchUp(ActivationUnit Unit) : ILocalMessage;

    /// <summary>The unit's activations are at the frozen line.</summary>
    internal sealed record CaughtUp(ActivationUnit Unit, double Seconds) : ILocalMessage;

    /// <summary>Run a held-out set to the frozen line.</summary>
    internal sealed record Freeze(string Name, IReadOnlyList<EncodedSample> Samples) : ILocalMessage;

    /// <summary>A held-out set at the frozen line.</summary>
    internal sealed record Frozen(string Name, IReadOnlyList<ActivationBatch> Batches, double Seconds) : ILocalMessage;
}
