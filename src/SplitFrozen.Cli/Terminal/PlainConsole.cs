using Spectre.Console;

namespace SplitFrozen.Cli.Terminal;

/// <summary>Consoles without colours or cursor movement.</summary>
internal static class PlainConsole
{
    /// <summary>A console that writes text of a given width.</summary>
    public static IAnsiConsole To(TextWriter writer, int width)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.No,
            ColorSystem = ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(writer),
        });
        console.Profile.Width = width;
        console.Profile.Capabilities.Unicode = true;
        return console;
    }

    /// <summary>Whether progress can be drawn in place.</summary>
    public static bool IsLive(this IAnsiConsole console) =>
        console.Profile.Out.IsTerminal && console.Profile.Capabilities is { Interactive: true, Ansi: true };
}
