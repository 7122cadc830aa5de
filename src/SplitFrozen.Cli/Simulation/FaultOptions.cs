using System.Globalization;
using System.Text.RegularExpressions;

using SplitFrozen.Domain;
using SplitFrozen.Domain.Simulation;

namespace SplitFrozen.Cli.Simulation;

/// <summary>Faults as they are written on a command line.</summary>
internal static partial class FaultOptions
{
    /// <summary>Reads crashes: <c>NODE@AT+REJOIN</c>, or <c>NODE@AT</c> for one that never returns; seconds.</summary>
    public static IReadOnlyList<NodeCrash> Crashes(IReadOnlyList<string> texts, IReadOnlyList<SimulatedNode> nodes) => [.. texts.Select(text =>
        Crash().Match(text) is { Success: true } match
            ? new NodeCrash(Index("--crash", match, nodes), Number(match, "at"), match.Groups["rejoin"].Success ? Number(match, "rejoin") : null)
            : throw new UserErrorException($"--crash = {text} is not allowed: write NODE@SECONDS+SECONDS, when it crashes and after how long it is back, or NODE@SECONDS for one that never returns."))];

    /// <summary>Applies slow-downs, <c>NODE@FROM-TO*FACTOR</c>: between these seconds its processor is so many times slower.</summary>
    public static IReadOnlyList<SimulatedNode> Slow(IReadOnlyList<string> texts, IReadOnlyList<SimulatedNode> nodes)
    {
        var slowed = nodes.ToArray();
        foreach (var text in texts)
        {
            var match = SlowDown().Match(text);
            if (!match.Success || Number(match, "to") <= Number(match, "from") || Number(match, "factor") <= 0)
            {
                throw new UserErrorException($"--slow = {text} is not allowed: write NODE@FROM-TO*FACTOR, from and to which second it is how many times slower.");
            }

            var index = Index("--slow", match, nodes);
            slowed[index] = Slow(slowed[index], Number(match, "from"), Number(match, "to"), Number(match, "factor"));
        }

        return slowed;
    }

    private static SimulatedNode Slow(SimulatedNode node, double from, double to, double factor)
    {
        RateChange At(double time) => node.Changes.LastOrDefault(c => c.Time <= time) ?? new RateChange(time, node.FlopsPerSecond, node.LinkBytesPerSecond);
        RateChange Slower(RateChange change) => change with { FlopsPerSecond = change.FlopsPerSecond / factor };
        return node with
        {
            Changes =
            [
                .. node.Changes.Where(c => c.Time < from), Slower(At(from) with { Time = from }),
                .. node.Changes.Where(c => c.Time > from && c.Time < to).Select(Slower), At(to) with { Time = to }, .. node.Changes.Where(c => c.Time > to),
            ],
        };
    }

    private static int Index(string option, Match match, IReadOnlyList<SimulatedNode> nodes)
    {
        for (var i = 0; i < nodes.Count; i++)
        {
            if (nodes[i].Name == match.Groups["node"].Value)
            {
                return i;
            }
        }

        throw new UserErrorException($"{option} = {match.Value} names node {match.Groups["node"].Value}, which is not there; the first one is {nodes[0].Name}.");
    }

    private static double Number(Match match, string group) => double.Parse(match.Groups[group].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^(?<node>[^@]+)@(?<at>\d+(\.\d+)?)(\+(?<rejoin>\d+(\.\d+)?))?$", RegexOptions.CultureInvariant)]
    private static partial Regex Crash();

    [GeneratedRegex(@"^(?<node>[^@]+)@(?<from>\d+(\.\d+)?)-(?<to>\d+(\.\d+)?)\*(?<factor>\d+(\.\d+)?)$", RegexOptions.CultureInvariant)]
    private static partial Regex SlowDown();
}
