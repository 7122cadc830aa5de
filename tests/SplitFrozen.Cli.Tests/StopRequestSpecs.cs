namespace SplitFrozen.Cli.Tests;

public sealed class StopRequestSpecs
{
    [Fact]
    public async Task Should_ask_for_an_orderly_stop_once_and_then_leave_it_to_the_system()
    {
        using var stop = new StopRequest();
        var asked = new TaskCompletionSource();
        await using var registration = stop.Token.Register(asked.SetResult);

        Assert.True(stop.Request());
        await asked.Task;
        Assert.False(stop.Request());
    }
}
