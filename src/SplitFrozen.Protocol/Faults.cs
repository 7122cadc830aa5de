namespace SplitFrozen.Protocol;

/// <summary>Checks that messages share.</summary>
internal static class Faults
{
    public static string? Of(DeviceId device) => device.IsValid ? null : "the device id is not well-formed";

    public static string? Range(string name, int value, int min, int max) =>
        value < min || value > max ? $"{name} {value} is outside {min}..{max}" : null;
}
