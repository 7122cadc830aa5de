using System.Globalization;
using SplitFrozen.Domain;

namespace SplitFrozen.Model.Gguf;

/// <summary>
/// The keys and values of a GGUF header. Numbers are held as <see cref="long"/>, <see cref="ulong"/> (where a long is too small),
/// <see cref="float"/> or <see cref="double"/>; arrays of them as arrays of those types.
/// </summary>
internal sealed class GgufMetadata(string path, IReadOnlyDictionary<string, object> values)
{
    /// <summary>The file, for messages.</summary>
    public string Path => path;

    /// <summary>Whether the key is there.</summary>
    public bool Has(string key) => values.ContainsKey(key);

    /// <summary>A text, or null where the key is absent.</summary>
    public string? Text(string key) => Value(key) is not { } value ? null : value as string ?? throw Wrong(key, value, "a text");

    /// <summary>true or false, or null where the key is absent.</summary>
    public bool? Flag(string key) => Value(key) is not { } value ? null : value as bool? ?? throw Wrong(key, value, "true or false");

    /// <summary>A whole number from 0, or null where the key is absent.</summary>
    public long? Integer(string key) => Value(key) is not { } value
        ? null
        : value is long number and >= 0 ? number : throw Wrong(key, value, "a whole number from 0");

    /// <summary>A finite number, or null where the key is absent. A float32 has the value of its shortest decimal form, as configurations spell it.</summary>
    public double? Number(string key) => Value(key) switch
    {
        null => null,
        long number => number,
        float number when float.IsFinite(number) => double.Parse(number.ToString("R", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture),
        double number when double.IsFinite(number) => number,
        var value => throw Wrong(key, value, "a finite number"),
    };

    /// <summary>A list of texts, or null where the key is absent.</summary>
    public string[]? Texts(string key) => Value(key) is not { } value ? null : value as string[] ?? throw Wrong(key, value, "a list of texts");

    /// <summary>A list of whole numbers, or null where the key is absent.</summary>
    public long[]? Integers(string key) => Value(key) is not { } value ? null : value as long[] ?? throw Wrong(key, value, "a list of whole numbers");

    /// <summary>A list of float32 numbers, or null where the key is absent.</summary>
    public float[]? Floats(string key) => Value(key) is not { } value ? null : value as float[] ?? throw Wrong(key, value, "a list of float32 numbers");

    /// <summary>A key's value that must be there.</summary>
    public T Required<T>(string key, T? value)
        where T : class => value ?? throw Missing(key);

    /// <summary>The error of a key that is not there.</summary>
    public UserErrorException Missing(string key) =>
        new($"'{path}' lacks the metadata key {key}. Fetch a file that was made with a current version of llama.cpp.");

    /// <summary>The error of a key whose value cannot be used.</summary>
    public UserErrorException Unsupported(string key, string value, string supported) =>
        new($"'{path}': metadata key {key} is {value}, which is not supported; supported: {supported}.");

    private object? Value(string key) => values.GetValueOrDefault(key);

    private UserErrorException Wrong(string key, object value, string wanted)
    {
        string found = value is Array list ? $"a list of {list.Length} items" : string.Create(CultureInfo.InvariantCulture, $"{value}");
        return new($"'{path}': metadata key {key} must be {wanted}, but is {found}. Fetch the file again.");
    }
}
