using Spectre.Console;

namespace SplitFrozen.Cli.Generating;

/// <summary>What a user should know though all went well.</summary>
internal static class Notes
{
    /// <summary>Says it on a line of its own, which is not wrapped.</summary>
    public static void Say(IAnsiConsole console, string text)
    {
        console.Markup("[yellow]Note:[/] ");
        console.Profile.Out.Writer.WriteLine(text);
        console.Profile.Out.Writer.Flush();
    }
}
