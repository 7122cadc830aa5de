using Microsoft.Extensions.Time.Testing;

using SplitFrozen.Cli.Terminal;
using SplitFrozen.Cli.Tests.Support;
using SplitFrozen.Domain.Models;
using SplitFrozen.Domain.Runs;

namespace SplitFrozen.Cli.Tests.Terminal;

public sealed class ConsoleRunObserverSpecs
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 24, 5, 30, 12, TimeSpan.Zero));
    private readonly StringWriter _output = new();

    [Fact]
    public async Task Should_tell_a_run_in_plain_lines_where_there_is_no_terminal()
    {
        await ShowAsync(Examples.Run(Examples.Summary()));

        const string Expected = """
            node      server joined as server at 127.0.0.1:4053
            device    phone on flagship with 1,600 samples, 8.80 k tokens/s a layer
            device    board on rpi with 400 samples, 1.76 k tokens/s a layer
            training  2 epochs of 2 steps, 100 samples an epoch

              Device   Node       Samples   Layers   Why
            ──────────────────────────────────────────────────────────────────────────────
              board    rpi            400        1   0.20 of the strongest: 4 × 0.20 ≈ 1
              phone    flagship     1,600        4   1.00 of the strongest: 4 × 1.00 ≈ 4

            accuracy  0.010 before training (loss 4.410)
            training  epoch 1/2, step 2/4, loss 1.900, 10 samples/s, 10 s left
            accuracy  0.670 in validation after epoch 1 (loss 1.200)
            device    board: its node was lost
            saved     checkpoint at step 3
            training  epoch 2/2, step 4/4, loss 1.661, scoring the adapter
            accuracy  0.800 after training (loss 0.780)

            """;
        Assert.Equal(Expected, Trimmed(_output.ToString()));
    }

    [Fact]
    public async Task Should_tell_a_wait_that_lasts()
    {
        await using (var observer = new ConsoleRunObserver(PlainConsole.To(_output, 80), _time))
        {
            observer.On(new RunEvent.Waiting("2 of 2 devices"));
            _time.Advance(TimeSpan.FromSeconds(4));
        }

        Assert.Equal("waiting   for 2 of 2 devices\n", _output.ToString());
    }

    [Fact]
    public async Task Should_tell_a_wait_once_and_not_when_it_is_over()
    {
        await using (var observer = new ConsoleRunObserver(PlainConsole.To(_output, 80), _time))
        {
            observer.On(new RunEvent.Waiting("2 of 2 devices"));
            _time.Advance(TimeSpan.FromSeconds(4));
            observer.On(new RunEvent.Waiting("2 of 2 devices"));
            _time.Advance(TimeSpan.FromSeconds(4));
            observer.On(new RunEvent.Waiting("9 held-out rows"));
            observer.On(new RunEvent.Evaluated("before", 0, new TargetScore(8, 4, 2)));
            _time.Advance(TimeSpan.FromSeconds(4));
        }

        Assert.Equal("waiting   for 2 of 2 devices\naccuracy  0.500 before training (loss 2.000)\n", _output.ToString());
    }

    [Fact]
    public async Task Should_fit_into_80_columns()
    {
        await ShowAsync(Examples.Run(Examples.Summary()));
        SummaryView.Show(PlainConsole.To(_output, 80), Examples.Summary(), "/home/user/runs/2026-11-24T05-30-12-splitfrozen");

        Assert.All(_output.ToString().Split('\n'), line => Assert.InRange(line.Length, 0, 80));
    }

    [Fact]
    public async Task Should_take_events_from_many_threads()
    {
        await using (var observer = new ConsoleRunObserver(PlainConsole.To(_output, 80), _time))
        {
            Parallel.For(0, 200, i => observer.On(new RunEvent.Evaluated("validation", i, new TargetScore(1, 1, 1))));
        }

        Assert.Equal(200, _output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    [Fact]
    public async Task Should_show_text_with_brackets_as_it_is()
    {
        await ShowAsync([new RunEvent.DeviceProblem(Examples.Phone, "[red]refused[/] a frame [1, 2]")]);

        Assert.Equal("device    phone: [red]refused[/] a frame [1, 2]\n", _output.ToString());
    }

    /// <summary>Reports events; each step takes five seconds.</summary>
    private async Task ShowAsync(IReadOnlyList<RunEvent> events)
    {
        var observer = new ConsoleRunObserver(PlainConsole.To(_output, 80), _time);
        await using (observer)
        {
            foreach (var e in events)
            {
                if (e is RunEvent.StepDone)
                {
                    _time.Advance(TimeSpan.FromSeconds(5));
                }

                observer.On(e);
            }
        }
    }

    private static string Trimmed(string text) => string.Join('\n', text.Split('\n').Select(l => l.TrimEnd()));
}
