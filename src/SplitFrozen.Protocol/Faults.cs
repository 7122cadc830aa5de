namespace SplitFrozen.Protocol;

/// <summary>Checks that messages share.</summary>
internal static class Faults
{
    public static string? Of(DeviceId device) => device.IsValid ? null : "the device id is not well-formed";

    /// <summary>A text that is missing or longer than anybody needs.</summary>
    public static string? Text(string name, string? value, int most) =>
        value is null ? $"the {name} is missing" : value.Length > most ? $"the {name} has {value.Length} characters, and at most {most} are taken" : null;

    /// <summary>An array that is longer than anybody needs.</summary>
    public static string? Length(string name, Array? value, int most) =>
        value is null ? $"the {name} are missing" : value.Length > most ? $"there are {value.Length} {name}, and at most {most} are taken" : null;

    public static string? Range(string name, int value, int min, int max) =>
        value < min || value > max ? $"{name} {value} is outside {min}..{max}" : null;
}
