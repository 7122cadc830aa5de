using FsCheck.Xunit;

using SplitFrozen.Domain.Pipeline;
using SplitFrozen.Domain.Sampling;
using SplitFrozen.Domain.Tests.Support;

using Xunit;

namespace SplitFrozen.Domain.Tests.Pipeline;

/// <summary>Of what micro-batches are made: in strict order, in relaxed order, and in that of a record.</summary>
[Properties(Arbitrary = [typeof(Drawn)])]
public sealed class BatchFillSpecs
{
    [Property(DisplayName = "Whatever arrives when, relaxed order trains each sample once, in as many batches of the same sizes as the plan has")]
    public void Should_train_each_sample_once(EpochSizes sizes, byte window, long seed)
    {
        var plan = sizes.Plan();
        var run = new FillRun(new PutOffFill(plan), Window(window), seed).Train();

        Assert.Equal(All(plan), run.Batches.SelectMany(b => b.Samples).OrderBy(s => plan.PlaceOf(s)));
        Assert.Equal(Enumerable.Range(0, plan.Batches).Select(b => plan.Batch(b).Length), run.Batches.Select(b => b.Samples.Count));
        Assert.All(run.Batches, b => Assert.Equal(plan.MicroBatches(b.Batch), b.MicroBatches.Count));
    }

    [Property(DisplayName = "Nothing is put off beyond the window: what is trained lies within so many grants of the oldest sample that is not")]
    public void Should_stay_within_the_window(EpochSizes sizes, byte window, long seed)
    {
        var plan = sizes.Plan();
        var left = All(plan).ToHashSet();
        foreach (var batch in new FillRun(new PutOffFill(plan), Window(window), seed).Train().Batches)
        {
            var oldest = left.Min(s => plan.GrantAt(plan.PlaceOf(s)!.Value));
            Assert.All(batch.Samples, s => Assert.InRange(plan.GrantAt(plan.PlaceOf(s)!.Value), oldest, oldest + Window(window) - 1));
            left.ExceptWith(batch.Samples);
        }
    }

    [Property(DisplayName = "Where all that is granted is there, relaxed order is strict order")]
    public void Should_equal_the_plan_when_all_is_there(EpochSizes sizes, byte window, long seed)
    {
        var plan = sizes.Plan();
        var relaxed = new FillRun(new PutOffFill(plan), Window(window), seed).Train(allAtOnce: true);

        Assert.Equal(All(plan), relaxed.Batches.SelectMany(b => b.Samples));
    }

    [Property(DisplayName = "Strict order is the plan's, whatever arrives when")]
    public void Should_keep_to_the_plan(EpochSizes sizes, byte window, long seed)
    {
        var plan = sizes.Plan();
        var strict = new FillRun(new PlanFill(plan), Window(window), seed).Train();

        Assert.Equal(All(plan), strict.Batches.SelectMany(b => b.Samples));
    }

    [Property(DisplayName = "What is taken depends on what is there, not on the order in which it came; only what is missing is passed over, and only when it is late")]
    public void Should_depend_on_what_is_there(EpochSizes sizes, long seed, byte share)
    {
        var plan = sizes.Plan();
        var random = SeededRandom.For(seed, "here");
        PlanSample[] here = [.. All(plan).Where(_ => random.Below(256) < share)];
        var (one, other) = (new PutOffFill(plan), new PutOffFill(plan));
        one.Arrived(here);
        random.Shuffle(here.AsSpan());
        foreach (var sample in here)
        {
            other.Arrived([sample]);
        }

        one.Begin();
        other.Begin();
        var expected = StragglerRule.Choose(All(plan), here.Contains, Math.Min(plan.MicroBatchSize, plan.Samples), isLate: _ => true);
        Assert.Equal(expected is not null, one.CanGive(isLate: true));
        Assert.Equal(plan.MicroBatch(0, 0).ToArray().All(here.Contains), one.CanGive(isLate: false));
        if (expected is not null)
        {
            Assert.Equal(expected, one.Give());
            Assert.Equal(expected, other.Give());
            Assert.Equal(All(plan).TakeWhile(s => s != expected[^1]).Except(expected), one.PassedOver);
        }
    }

    [Fact(DisplayName = "A device of which something is put off is not waited for again until that has come")]
    public void Should_wait_for_a_device_once()
    {
        var plan = new EpochSizes(1, 0, [40, 40], 4, 2, 20).Plan();
        var fill = new PutOffFill(plan);
        fill.Arrived(All(plan).Where(s => s.Device == 0));
        var first = All(plan).First(s => s.Device == 1);
        GiveWithoutWaiting(fill);
        Assert.True(fill.CanGive(isLate: true));
        fill.Give();
        Assert.Equal(first, fill.PassedOver[0]);
        PlanSample[] putOff = [.. fill.PassedOver];

        // Nothing else is here, and yet none of what follows is waited for.
        Next(fill);
        Assert.True(fill.CanGive(isLate: false));
        putOff = [.. putOff, .. GiveWithoutWaiting(fill, most: 2)];

        fill.Arrived(putOff);
        GiveWithoutWaiting(fill);
        Assert.False(fill.CanGive(isLate: false));
        Assert.True(fill.CanGive(isLate: true));
    }

    [Property(DisplayName = "A record replays: the same micro-batches, whatever arrives when, and in any window")]
    public void Should_replay(EpochSizes sizes, byte window, byte otherWindow, long seed)
    {
        var plan = sizes.Plan();
        var recorded = new FillRun(new PutOffFill(plan), Window(window), seed).Train().Batches;
        var fill = new RecordedFill(plan, recorded);
        var replayed = new FillRun(fill, Window(otherWindow), seed + 1, isBounded: false).Train().Batches;

        Assert.Equal(recorded.Select(LedgerText.Line), replayed.Select(LedgerText.Line));
        Assert.True(fill.IsDone);
    }

    [Property(DisplayName = "A run that goes on from any batch, with a narrower window too, trains the rest once; so does a replay")]
    public void Should_go_on_from_any_batch(EpochSizes sizes, byte window, ushort at, long seed)
    {
        var plan = sizes.Plan();
        var first = new FillRun(new PutOffFill(plan), Window(window), seed).Train(at % plan.Batches).Batches;
        var trained = first.SelectMany(b => b.Samples).ToList();
        var rest = new FillRun(new PutOffFill(plan, first.Count, trained), 1, seed + 1, isBounded: false).Train().Batches;
        Assert.Equal(All(plan), trained.Concat(rest.SelectMany(b => b.Samples)).OrderBy(s => plan.PlaceOf(s)));

        var whole = first.Concat(rest).ToList();
        var again = new FillRun(new RecordedFill(plan, whole, first.Count, trained), 1, seed + 2, isBounded: false).Train().Batches;
        Assert.Equal(rest.Select(b => b.Samples), again.Select(b => b.Samples));
    }

    [Property(DisplayName = "Of a device that sends nothing all is struck when nothing else is left to train; the others are trained once")]
    public void Should_go_on_without_what_is_struck(EpochSizes sizes, byte window, byte device, bool relaxed, long seed)
    {
        var plan = sizes.Plan();
        var silent = device % sizes.Counts.Length;
        BatchFill fill = relaxed ? new PutOffFill(plan) : new PlanFill(plan);
        var run = new FillRun(fill, Window(window), seed, silent, isBounded: false).Train();

        Assert.Equal(All(plan).Where(s => s.Device != silent), run.Batches.SelectMany(b => b.Samples).OrderBy(s => plan.PlaceOf(s)));
        Assert.Equal(0, fill.Left);
    }

    [Property(DisplayName = "What a lost device owes is put to the end in relaxed order: the others go on to the end of the epoch, and when it returns each sample is trained once")]
    public void Should_put_a_lost_device_to_the_end(EpochSizes sizes, byte window, byte device, long seed)
    {
        var plan = sizes.Plan();
        var fill = new PutOffFill(plan);
        var run = new FillRun(fill, Window(window), seed, device % sizes.Counts.Length, isBounded: false) { Returns = true }.Train();

        Assert.Equal(All(plan), run.Batches.SelectMany(b => b.Samples).OrderBy(s => plan.PlaceOf(s)));
        Assert.Equal(Enumerable.Range(0, plan.Batches).Select(b => plan.Batch(b).Length), run.Batches.Select(b => b.Samples.Count));
        Assert.InRange(fill.PutOff, 0, plan.Samples);
    }

    [Property(DisplayName = "What is here, left and awaited add up at any point")]
    public void Should_keep_account(EpochSizes sizes, long seed)
    {
        var plan = sizes.Plan();
        var fill = new PutOffFill(plan);
        var random = SeededRandom.For(seed, "some");
        PlanSample[] here = [.. All(plan).Where(_ => random.Below(2) == 0)];
        fill.Arrived(here.Concat(here));
        fill.Begin();

        Assert.Equal((here.Length, plan.Samples), (fill.Here, fill.Left));
        Assert.Equal(plan.Batch(0).ToArray().Except(here), fill.Awaited);
        Assert.Equal(plan.Samples, Enumerable.Range(0, plan.Grants).Sum(fill.LeftOf));
        fill.Strike(All(plan));
        Assert.Equal((here.Length, here.Length), (fill.Here, fill.Left));
        Assert.Empty(fill.Awaited);
    }

    /// <summary>Gives out what can be given out without waiting longer.</summary>
    /// <returns>What was passed over.</returns>
    private static List<PlanSample> GiveWithoutWaiting(PutOffFill fill, int most = int.MaxValue)
    {
        var passedOver = new List<PlanSample>();
        for (Next(fill); most > 0 && fill.CanGive(isLate: false); most--, Next(fill))
        {
            fill.Give();
            passedOver.AddRange(fill.PassedOver);
        }

        return passedOver;
    }

    /// <summary>Begins the next global batch where the one at hand was given out.</summary>
    private static void Next(PutOffFill fill)
    {
        if (fill.Given.Count == 0)
        {
            fill.Begin();
        }
        else if (fill.Given.Sum(g => g.Count) == fill.Plan.BatchSize)
        {
            fill.End();
            fill.Begin();
        }
    }

    private static int Window(byte drawn) => 1 + (drawn % 4);

    private static IEnumerable<PlanSample> All(EpochPlan plan) => Enumerable.Range(0, plan.Samples).Select(plan.At);
}
