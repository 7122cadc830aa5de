using System.Globalization;
using System.Text.Json;

using SplitFrozen.Domain;

namespace SplitFrozen.Model.Data;

/// <summary>The order of a data folder's labels.</summary>
internal static class LabelNames
{
    private const string FileName = "categories.json";

    /// <summary>The names that categories.json lists, or null where there is no such file.</summary>
    /// <exception cref="UserErrorException">The file is not a list of different names.</exception>
    public static IReadOnlyList<string>? ReadCategories(string folder)
    {
        var file = Path.Combine(folder, FileName);
        if (!File.Exists(file))
        {
            return null;
        }

        try
        {
            var names = JsonSerializer.Deserialize<string[]>(File.ReadAllBytes(file)) ?? [];
            return names.Length > 0 && names.All(name => !string.IsNullOrEmpty(name)) && names.Distinct(StringComparer.Ordinal).Count() == names.Length
                ? names
                : throw new UserErrorException($"{file} should list the labels, each once and none empty. Mend it, or remove it to take the labels from the training rows.");
        }
        catch (JsonException exception)
        {
            throw new UserErrorException($"{file} should be a JSON list of label names: {exception.Message} Mend it, or remove it to take the labels from the training rows.", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"{file} cannot be read: {exception.Message} Check that it may be read.", exception);
        }
    }

    /// <summary>The different labels of training rows: by value where all are integers, else by their characters' codes.</summary>
    public static IReadOnlyList<string> Order(IEnumerable<string> labels)
    {
        var names = labels.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
        return names.All(name => TryNumber(name, out _)) ? [.. names.OrderBy(name => TryNumber(name, out var number) ? number : 0)] : names;
    }

    private static bool TryNumber(string name, out long number) => long.TryParse(name, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number);
}
