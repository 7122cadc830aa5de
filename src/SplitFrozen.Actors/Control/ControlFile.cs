using System.Text.Json;

namespace SplitFrozen.Actors.Control;

/// <summary>Where a running server is reached, in a file that only its user can read; so commands on the same machine find it.</summary>
/// <param name="Host">Address of its control endpoint.</param>
/// <param name="Port">Its port.</param>
/// <param name="Token">Secret that plain connections must show.</param>
/// <param name="Run">The run's folder.</param>
/// <param name="Process">Id of the server's process.</param>
public sealed record ControlFile(string Host, int Port, string Token, string Run, int Process)
{
    private const string FolderVariable = "SPLITFROZEN_CONTROL_DIR";

    /// <summary>The folder of such files: of this user, and gone with the session where the system has such a place.</summary>
    public static string Folder
    {
        get
        {
            if (Environment.GetEnvironmentVariable(FolderVariable) is { Length: > 0 } named)
            {
                return named;
            }

            var parent = Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") is { Length: > 0 } session ? session
                : Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);
            return Path.Combine(parent.Length > 0 ? parent : Path.GetTempPath(), "splitfrozen", "control");
        }
    }

    /// <summary>Writes the file of a server.</summary>
    /// <returns>Its path.</returns>
    internal string Write()
    {
        var file = Path.Combine(Folder, $"{Process}-{Port}.json");
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(Folder);
        }
        else
        {
            Directory.CreateDirectory(Folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using var stream = new FileStream(file, options);
        JsonSerializer.Serialize(stream, this, ControlWire.Json);
        return file;
    }

    /// <summary>The servers of this user on this machine; files whose process is gone are removed.</summary>
    internal static IReadOnlyList<ControlFile> All()
    {
        var found = new List<ControlFile>();
        foreach (var file in Directory.Exists(Folder) ? Directory.GetFiles(Folder, "*.json").Order(StringComparer.Ordinal) : Enumerable.Empty<string>())
        {
            if (TryRead(file) is { } server)
            {
                found.Add(server);
            }
        }

        return found;
    }

    private static ControlFile? TryRead(string file)
    {
        try
        {
            var server = JsonSerializer.Deserialize<ControlFile>(File.ReadAllText(file), ControlWire.Json);
            if (server is { Host: not null, Token: not null } && IsRunning(server.Process))
            {
                return server;
            }

            File.Delete(file);
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            // It is being written or removed at this moment, or is not ours: as good as not there.
            return null;
        }
    }

    private static bool IsRunning(int id)
    {
        try
        {
            using var process = System.Diagnostics.Process.GetProcessById(id);
            return !process.HasExited;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
