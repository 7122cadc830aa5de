using SplitFrozen.Cli.Terminal;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Runs;

namespace SplitFrozen.Cli.Tests.Terminal;

public sealed class RunProgressSpecs
{
    private static readonly DateTimeOffset Start = new(2026, 11, 24, 5, 0, 0, TimeSpan.Zero);

    private readonly RunProgress _progress = new(new RunEvent.TrainingStarted(2, 100, 1000, 1));

    [Fact]
    public void Should_not_guess_before_two_steps()
    {
        Step(0, 10, 2.0, 0);

        Assert.Null(_progress.SamplesPerSecond);
        Assert.Null(_progress.TimeLeft);
        Assert.Equal(2.0, _progress.Loss);
    }

    [Fact]
    public void Should_tell_rate_and_time_left()
    {
        Step(0, 10, 2.0, 0);
        Step(1, 110, 2.0, 4);

        Assert.Equal(25, _progress.SamplesPerSecond);
        Assert.Equal(TimeSpan.FromSeconds((2000 - 110) / 25.0), _progress.TimeLeft);
    }

    [Fact]
    public void Should_show_the_rate_of_the_last_seconds_but_foretell_from_the_whole()
    {
        Step(0, 0, 2.0, 0);
        Step(1, 1000, 2.0, 10);
        Step(2, 1010, 2.0, 20);
        Step(3, 1020, 2.0, 30);

        Assert.Equal(1, _progress.SamplesPerSecond);
        Assert.Equal(TimeSpan.FromSeconds(980 / (1020 / 30.0)), _progress.TimeLeft);
    }

    [Fact]
    public void Should_smooth_the_loss()
    {
        Step(0, 10, 2.0, 0);
        Step(1, 20, 1.0, 1);

        Assert.Equal(1.9, _progress.Loss!.Value, 9);
    }

    private void Step(int step, long samples, double loss, double seconds) =>
        _progress.Step(new RunEvent.StepDone(0, step, new TargetScore(loss, 1, 0), 1, 1e-3, samples, 0), Start.AddSeconds(seconds));
}
