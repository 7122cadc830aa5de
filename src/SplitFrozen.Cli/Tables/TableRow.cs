using System.Globalization;

using SplitFrozen.Domain;

namespace SplitFrozen.Cli.Tables;

/// <summary>A row of named values, read as text; errors name file, line, column and what is allowed.</summary>
internal sealed class TableRow(string file, int line, IReadOnlyDictionary<string, string> values)
{
    /// <summary>A text, or null where it is absent or empty.</summary>
    public string? Text(string name) => values.TryGetValue(name, out var text) && !string.IsNullOrWhiteSpace(text) ? text.Trim() : null;

    /// <summary>A text that must be there.</summary>
    public string RequiredText(string name) => Text(name) ?? throw Error($"has no {name}; give one.");

    /// <summary>A number of at least <paramref name="min"/>, or null where it is absent or empty.</summary>
    public double? Number(string name, double min)
    {
        if (Text(name) is not { } text)
        {
            return null;
        }

        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) && number >= min ? number
            : throw Error(string.Create(CultureInfo.InvariantCulture, $"{name} = {text} is not allowed: it must be a number of at least {min}."));
    }

    /// <summary>A number that must be there.</summary>
    public double RequiredNumber(string name, double min) => Number(name, min) ?? throw Error($"has no {name}; give a number.");

    /// <summary>A whole number of at least <paramref name="min"/>, or null where it is absent or empty.</summary>
    public long? Whole(string name, long min)
    {
        if (Text(name) is not { } text)
        {
            return null;
        }

        return long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= min ? number
            : throw Error(string.Create(CultureInfo.InvariantCulture, $"{name} = {text} is not allowed: it must be a whole number of at least {min}."));
    }

    /// <summary>The error of this row.</summary>
    public UserErrorException Error(string what, Exception? inner = null)
    {
        var message = string.Create(CultureInfo.InvariantCulture, $"{file}, line {line}: {what}");
        return inner is null ? new UserErrorException(message) : new UserErrorException(message, inner);
    }
}
