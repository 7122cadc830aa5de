using System.Globalization;

namespace SplitFrozen.Cli.Terminal;

/// <summary>Quantities as people read them, the same in every culture.</summary>
internal static class Units
{
    private static readonly string[] ByteUnits = ["B", "KiB", "MiB", "GiB", "TiB"];
    private static readonly string[] CountUnits = ["", " k", " M", " G", " T", " P"];

    /// <summary>A number of bytes, in powers of 1024.</summary>
    public static string Bytes(long bytes) => Scale(bytes, 1024, ByteUnits, " ");

    /// <summary>A large count, in powers of 1000.</summary>
    public static string Count(double count) => Scale(count, 1000, CountUnits, "").TrimEnd();

    /// <summary>A whole number with thousands set apart.</summary>
    public static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>A span of time in its two largest units.</summary>
    public static string Duration(TimeSpan time) => time switch
    {
        { TotalHours: >= 1 } => string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalHours} h {time.Minutes:00} min"),
        { TotalMinutes: >= 1 } => string.Create(CultureInfo.InvariantCulture, $"{time.Minutes} min {time.Seconds:00} s"),
        { TotalSeconds: >= 10 } => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0} s"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.0} s"),
    };

    /// <summary>Seconds as <see cref="Duration"/>.</summary>
    public static string Seconds(double seconds) => Duration(TimeSpan.FromSeconds(seconds));

    /// <summary>A share of 1 with three digits, as accuracies are written; a dash where there is none.</summary>
    public static string Share(double? share) => share is { } s ? s.ToString("0.000", CultureInfo.InvariantCulture) : "–";

    /// <summary>A loss with four significant digits; a dash where there is none.</summary>
    public static string Loss(double? loss) => loss is { } l ? l.ToString(l < 0.1 ? "0.0000" : "0.000", CultureInfo.InvariantCulture) : "–";

    private static string Scale(double value, double step, string[] units, string gap)
    {
        var unit = 0;
        while (value >= step && unit < units.Length - 1)
        {
            value /= step;
            unit++;
        }

        var digits = unit == 0 || value >= 100 ? "0" : value >= 10 ? "0.0" : "0.00";
        return value.ToString(digits, CultureInfo.InvariantCulture) + gap + units[unit];
    }
}
