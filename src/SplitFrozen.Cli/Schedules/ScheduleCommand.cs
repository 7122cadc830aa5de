using System.CommandLine;

using SplitFrozen.Domain;
using SplitFrozen.Domain.Scheduling;

namespace SplitFrozen.Cli.Schedules;

/// <summary>Shows the order of a pipeline without a cluster: <c>schedule NAME --stages p --micro-batches m</c>.</summary>
internal static class ScheduleCommand
{
    private const int Most = 10_000;

    /// <summary>The command.</summary>
    public static Command Create(CliEnvironment environment)
    {
        var command = new Command("schedule", "Show the order in which pipeline stages run micro-batches, its bubble and its peak of activations, without a cluster.");
        var name = new Argument<string>("NAME") { Description = $"The order: {string.Join(", ", ScheduleKinds.Names)}" };
        var stages = Number("--stages", "P", "Number of stages, from 1");
        var microBatches = Number("--micro-batches", "M", "Micro-batches of a global batch, from 1");
        var forward = Time("--tf", "Time of a forward (F)");
        var backward = Time("--tb", "Time of a backward with respect to activations (B)");
        var weights = Time("--tw", "Time of the gradients of weights (W)");
        var pending = new Option<int>("--pending-w") { Description = "W that a stage may put off until it would wait, from 0 (zb-h1 only)", HelpName = "K" };
        var json = new Option<bool>("--json") { Description = "Print JSON instead of text" };
        var picture = new Option<string?>("--out") { Description = "Draw the timeline into this PNG file", HelpName = "FILE.png" };
        command.Arguments.Add(name);
        foreach (var option in new Option[] { stages, microBatches, forward, backward, weights, pending, json, picture })
        {
            command.Options.Add(option);
        }

        command.SetAction((line, _) =>
        {
            var request = new ScheduleRequest(
                Kind(line.GetValue(name)!), InRange("--stages", line.GetValue(stages), 1), InRange("--micro-batches", line.GetValue(microBatches), 1),
                new StageTimes(
                    Positive("--tf", line.GetValue(forward)), Positive("--tb", line.GetValue(backward)), Positive("--tw", line.GetValue(weights))),
                InRange("--pending-w", line.GetValue(pending), 0));
            ScheduleView.Show(environment.Out, request, line.GetValue(json), Picture(line.GetValue(picture)));
            return Task.FromResult((int)ExitCode.Done);
        });
        return command;
    }

    private static Option<int> Number(string name, string value, string description) =>
        new(name) { Description = description, HelpName = value, Required = true };

    private static Option<double> Time(string name, string description) =>
        new(name) { Description = $"{description}, in any unit", HelpName = "TIME", DefaultValueFactory = _ => 1 };

    private static ScheduleKind Kind(string name) => ScheduleKinds.Find(name)
        ?? throw new UserErrorException($"There is no schedule {name}. Name one of {string.Join(", ", ScheduleKinds.Names)}.");

    private static int InRange(string option, int value, int least) => value >= least && value <= Most
        ? value : throw new UserErrorException($"{option} {value} is not allowed: it must be a whole number from {least} to {Most}.");

    private static double Positive(string option, double value) => double.IsFinite(value) && value >= 0
        ? value : throw new UserErrorException(FormattableString.Invariant($"{option} {value} is not allowed: it must be a number of at least 0."));

    private static string? Picture(string? file)
    {
        if (file is null)
        {
            return null;
        }

        var path = Path.GetFullPath(file);
        return !Path.GetExtension(path).Equals(".png", StringComparison.OrdinalIgnoreCase) ? throw new UserErrorException($"--out {file} is not allowed: the picture is a PNG; let the name end in .png.")
            : Directory.Exists(Path.GetDirectoryName(path)) ? path
            : throw new UserErrorException($"--out {file} names a folder that does not exist. Make it first, or name another.");
    }
}
