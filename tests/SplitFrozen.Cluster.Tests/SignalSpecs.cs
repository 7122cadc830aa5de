using System.Globalization;

using SplitFrozen.Cluster.Tests.Support;

using Xunit.Abstractions;

namespace SplitFrozen.Cluster.Tests;

/// <summary>
/// Processes of each role that are killed, halted for a time and told to stop, at random steps, and started again as an operator would. SPLITFROZEN_PROCESS_SCHEDULES says how many
/// schedules, SPLITFROZEN_FAULT_SEED from which seed on.
/// </summary>
public sealed class SignalSpecs(ITestOutputHelper output)
{
    private const int InCi = 1;
    private const int Steps = 8 * 6;

    [Fact(DisplayName = "SIGKILL, SIGSTOP and SIGTERM of each role at random times lose nothing: the same losses and adapter, and a ledger that proves it")]
    public async Task Should_survive_signals()
    {
        var seed = Number("SPLITFROZEN_FAULT_SEED", 1);
        for (var schedule = 0; schedule < Number("SPLITFROZEN_PROCESS_SCHEDULES", InCi); schedule++)
        {
            await HoldAsync(seed + schedule);
        }
    }

    private async Task HoldAsync(int seed)
    {
        using var place = new Workplace("training.epochs = 8, training.checkpoint-steps = 4, start.limit = 60s, store.mode = off", Fleet.QuickLoss);
        var plan = Draw(seed);
        output.WriteLine($"seed {seed}: {string.Join("; ", plan)}");
        try
        {
            await using var fleet = new Fleet(place, "struck");
            foreach (var fault in plan)
            {
                if (await fleet.ReachAsync(fault.Step))
                {
                    await fleet.StrikeAsync(fault.Role, fault.Signal, fault.Seconds);
                }
            }

            await fleet.EndAsync();
            await place.AssertEqualAsync("struck");
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"Under seed {seed} (SPLITFROZEN_FAULT_SEED={seed} SPLITFROZEN_PROCESS_SCHEDULES=1 draws it again): {string.Join("; ", plan)}", e);
        }
    }

    /// <summary>A fault for each third of the run; the roles are dealt so that every two schedules meet each.</summary>
    private static List<Fault> Draw(int seed)
    {
        var random = new Random(seed);
        string[] roles = ["server", "device-0", "device-1"];
        string[] signals = ["KILL", "STOP", "TERM"];
        return
        [
            .. Enumerable.Range(0, 3).Select(i => new Fault(
                (i * Steps / 3) + random.Next(2, Steps / 3), roles[(i + seed) % 3], signals[(i + (seed / 3) + random.Next(3)) % 3], random.Next(2) == 0 ? 0.5 : 6)),
        ];
    }

    private static int Number(string variable, int otherwise) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;

    private sealed record Fault(int Step, string Role, string Signal, double Seconds)
    {
        public override string ToString() => string.Create(
            CultureInfo.InvariantCulture, $"SIG{Signal} to {Role} at step {Step}{(Signal == "STOP" ? $", SIGCONT {Seconds} s later" : "")}");
    }
}
