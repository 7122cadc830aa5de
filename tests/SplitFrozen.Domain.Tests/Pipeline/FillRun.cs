using SplitFrozen.Domain.Pipeline;
using SplitFrozen.Domain.Sampling;
using SplitFrozen.Protocol;

using Xunit;

namespace SplitFrozen.Domain.Tests.Pipeline;

/// <summary>An epoch that is trained while its samples arrive one by one in random order, within a window of grants.</summary>
internal sealed class FillRun
{
    private readonly BatchFill _fill;
    private readonly GrantWindow _window;
    private readonly int? _widest;
    private readonly SeededRandom _random;
    private readonly List<PlanSample> _onTheWay = [];
    private readonly int? _silent;
    private bool _isStruck;
    private bool _isAtEnd;

    /// <summary>Whether the silent device is put to the end, and comes when nothing else is left; else it is struck.</summary>
    public bool Returns { get; init; }

    /// <param name="fill">How batches are filled.</param>
    /// <param name="window">Grants in flight.</param>
    /// <param name="seed">Seed of the arrivals.</param>
    /// <param name="silent">A device that sends nothing, or null.</param>
    /// <param name="isBounded">Whether the window is enough for it.</param>
    public FillRun(BatchFill fill, int window, long seed, int? silent = null, bool isBounded = true)
    {
        (_fill, _widest, _silent) = (fill, isBounded ? window : null, silent);
        _random = SeededRandom.For(seed, "arrivals");
        _window = new GrantWindow(_ => fill.Plan, fill.Plan.Epoch + 1, window, fill.Plan.Epoch, grant => fill.LeftOf(grant.Number));
    }

    /// <summary>Global batches trained, in order.</summary>
    public List<LedgerRecord.Trained> Batches { get; } = [];

    /// <summary>Trains so many global batches, or all.</summary>
    /// <param name="most">How many.</param>
    /// <param name="allAtOnce">Whether all that is granted arrives before anything is trained.</param>
    public FillRun Train(int most = int.MaxValue, bool allAtOnce = false)
    {
        while (!_fill.IsDone && Batches.Count < most)
        {
            Open();
            if (_fill.IsEmpty)
            {
                _fill.End();
                continue;
            }

            Assert.True(!allAtOnce || Deliver(int.MaxValue));
            var microBatches = _fill.Begin();
            for (var i = 0; i < microBatches; i++)
            {
                Give();
            }

            End();
        }

        return this;
    }

    private void Open()
    {
        while (_window.Open(_fill.NeededGrant is { } needed ? new GrantId(_fill.Plan.Epoch, needed) : null) is { Count: > 0 } opened)
        {
            foreach (var id in opened)
            {
                _onTheWay.AddRange(_fill.Plan.GrantSamples(id.Number).ToArray().Where(s => s.Device != _silent));
                PutToEnd(id);
            }
        }
    }

    private void PutToEnd(GrantId grant)
    {
        if (_isAtEnd && _window.IsOpen(grant))
        {
            var put = ((PutOffFill)_fill).PutToEnd(_fill.Plan.GrantSamples(grant.Number).ToArray().Where(s => s.Device == _silent));
            _window.Struck(grant, put.Count);
        }
    }

    /// <summary>Nothing goes on without the silent device.</summary>
    private void GoOnWithout()
    {
        Assert.True(_silent is not null && !_isStruck, "training stands still");
        var own = Enumerable.Range(0, _fill.Plan.Samples).Select(_fill.Plan.At).Where(s => s.Device == _silent).ToList();
        var grants = Enumerable.Range(0, _fill.Plan.Grants).Select(g => new GrantId(_fill.Plan.Epoch, g)).ToList();
        if (Returns && !_isAtEnd)
        {
            _isAtEnd = true;
            grants.ForEach(PutToEnd);
        }
        else if (Returns)
        {
            Assert.Equal([_silent.Value], ((PutOffFill)_fill).AwaitedAtEnd);
            _isStruck = true;
            _onTheWay.AddRange(own);
        }
        else
        {
            _isStruck = true;
            _fill.Strike(own);
            grants.ForEach(g => _window.Struck(g, _fill.Plan.GrantSamples(g.Number, _silent.Value).Length));
        }

        Open();
    }

    private void Give()
    {
        // Now and then the trainer has waited long enough.
        while (!_fill.CanGive(isLate: _random.Below(3) == 0))
        {
            if (!Deliver(1 + _random.Below(4)) && !_fill.CanGive(isLate: true))
            {
                GoOnWithout();
            }
        }

        _fill.Give();
    }

    private bool Deliver(int samples)
    {
        var any = _onTheWay.Count > 0;
        for (; samples > 0 && _onTheWay.Count > 0; samples--)
        {
            var which = _random.Below(_onTheWay.Count);
            _fill.Arrived([_onTheWay[which]]);
            _onTheWay.RemoveAt(which);
        }

        return any || samples == int.MaxValue;
    }

    private void End()
    {
        var trained = _fill.Given.SelectMany(g => g).ToList();
        Batches.Add(new LedgerRecord.Trained(Batches.Count, _fill.Plan.Epoch, _fill.Batch, [.. _fill.Given.Select(g => g.Count)], trained));
        foreach (var grant in trained.Where(_fill.IsInWindow).CountBy(s => _fill.Plan.GrantAt(_fill.Plan.PlaceOf(s)!.Value)))
        {
            _window.Trained(new GrantId(_fill.Plan.Epoch, grant.Key), grant.Value);
        }

        Assert.InRange(_window.InFlightGrants, 0, _widest ?? int.MaxValue);
        _fill.End();
    }
}
