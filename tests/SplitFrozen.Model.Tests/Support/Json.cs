using System.Text.Json;

namespace SplitFrozen.Model.Tests.Support;

/// <summary>Reading reference values.</summary>
internal static class Json
{
    /// <summary>The root of a JSON file.</summary>
    public static JsonElement Read(string path)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(path));
        return document.RootElement.Clone();
    }

    /// <summary>An array of whole numbers.</summary>
    public static int[] Ints(this JsonElement array) => [.. array.EnumerateArray().Select(item => item.GetInt32())];

    /// <summary>An array of numbers.</summary>
    public static double[] Doubles(this JsonElement array) => [.. array.EnumerateArray().Select(item => item.GetDouble())];
}
