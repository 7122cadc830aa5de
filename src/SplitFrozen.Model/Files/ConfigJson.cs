using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using SplitFrozen.Domain;

namespace SplitFrozen.Model.Files;

/// <summary>A JSON configuration file whose values are checked when they are read. A key with the value null counts as absent.</summary>
internal sealed class ConfigJson
{
    private const long MaximumBytes = 16 << 20;

    private readonly JsonElement _element;
    private readonly Func<string, string> _nameOf;

    private ConfigJson(string path, JsonElement element, Func<string, string> nameOf)
    {
        Path = path;
        _element = element;
        _nameOf = nameOf;
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Reads a file that holds one JSON object.</summary>
    public static ConfigJson Read(string path)
    {
        try
        {
            if (new FileInfo(path).Length > MaximumBytes)
            {
                throw new UserErrorException($"'{path}' is larger than {MaximumBytes >> 20} MiB, which no configuration is. Fetch it again.");
            }

            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? new ConfigJson(path, document.RootElement.Clone(), key => key)
                : throw new UserErrorException($"'{path}' does not hold a JSON object.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"'{path}' cannot be read: {e.Message} Check that it is there and may be read.", e);
        }
        catch (JsonException e)
        {
            throw new UserErrorException($"'{path}' is not valid JSON: {e.Message}", e);
        }
    }

    /// <summary>A configuration that stands in another form in a file.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="keys">Keys and values as a config.json would have them.</param>
    /// <param name="nameOf">What the file calls a key, for messages.</param>
    public static ConfigJson Of(string path, JsonObject keys, Func<string, string> nameOf) => new(path, JsonSerializer.SerializeToElement(keys), nameOf);

    /// <summary>All keys and values, to be changed.</summary>
    public JsonObject ToObject() => JsonObject.Create(_element)!;

    /// <summary>A whole number within bounds; <paramref name="fallback"/> where the key is absent.</summary>
    public int Integer(string key, int min, int max, int? fallback = null)
    {
        if (Value(key) is not { } value)
        {
            return fallback ?? throw Missing(key);
        }

        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) && number >= min && number <= max
            ? number
            : throw Wrong(key, value, $"a whole number from {min} to {max}");
    }

    /// <summary>A finite number within bounds; <paramref name="fallback"/> where the key is absent.</summary>
    public double Number(string key, double min, double max, double? fallback = null)
    {
        if (Value(key) is not { } value)
        {
            return fallback ?? throw Missing(key);
        }

        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && number >= min && number <= max
            ? number
            : throw Wrong(key, value, string.Create(CultureInfo.InvariantCulture, $"a number from {min} to {max}"));
    }

    /// <summary>true or false; <paramref name="fallback"/> where the key is absent.</summary>
    public bool Flag(string key, bool fallback) => Value(key) is not { } value
        ? fallback
        : value.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => throw Wrong(key, value, "true or false"),
        };

    /// <summary>Whether a key is there with more than null, false, or an empty text, list or object.</summary>
    public bool SaysSomething(string key) => Value(key) is { } value && value.ValueKind switch
    {
        JsonValueKind.False => false,
        JsonValueKind.String => value.GetRawText().Length > 2,
        JsonValueKind.Array => value.GetArrayLength() > 0,
        JsonValueKind.Object => value.EnumerateObject().Any(),
        _ => true,
    };

    /// <summary>A text, or null where the key is absent.</summary>
    public string? Text(string key) => Value(key) is not { } value
        ? null
        : value.ValueKind == JsonValueKind.String ? Text(key, value) : throw Wrong(key, value, "a text");

    /// <summary>The texts of a list, or null where the key is absent.</summary>
    public IReadOnlyList<string>? Texts(string key) => Value(key) is not { } value
        ? null
        : value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String)
            ? [.. value.EnumerateArray().Select(item => Text(key, item))]
            : throw Wrong(key, value, "a list of texts");

    /// <summary>A nested object, or null where the key is absent.</summary>
    public ConfigJson? Section(string key) => Value(key) is not { } value
        ? null
        : value.ValueKind == JsonValueKind.Object ? new ConfigJson(Path, value, inner => _nameOf($"{key}.{inner}")) : throw Wrong(key, value, "an object");

    /// <summary>An error about one of the file's keys.</summary>
    public UserErrorException Unsupported(string key, string value, string supported) =>
        new($"'{Path}': {_nameOf(key)} is {value}, which is not supported; supported: {supported}.");

    private string Text(string key, JsonElement value)
    {
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException e)
        {
            // Half a surrogate pair: valid JSON, but no text.
            throw new UserErrorException($"'{Path}': {_nameOf(key)} is {value.GetRawText()}, which is no valid text: {e.Message} Fetch the file again.", e);
        }
    }

    private JsonElement? Value(string key) =>
        _element.TryGetProperty(key, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private UserErrorException Missing(string key) => new($"'{Path}' lacks the key {_nameOf(key)}.");

    private UserErrorException Wrong(string key, JsonElement value, string wanted) =>
        new($"'{Path}': {_nameOf(key)} must be {wanted}, but is {value.GetRawText()}.");
}
