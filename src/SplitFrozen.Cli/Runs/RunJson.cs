using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

using SplitFrozen.Protocol;

namespace SplitFrozen.Cli.Runs;

/// <summary>How a run's files are written as JSON: snake_case, ids as plain strings and numbers.</summary>
internal static class RunJson
{
    /// <summary>For files that people read.</summary>
    public static JsonSerializerOptions Indented { get; } = Create(indented: true);

    /// <summary>For files with a line an event.</summary>
    public static JsonSerializerOptions Line { get; } = Create(indented: false);

    private static JsonSerializerOptions Create(bool indented) => new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = indented,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new DeviceIdConverter(), new AllocationEpochConverter(), new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
    };

    private sealed class DeviceIdConverter : JsonConverter<DeviceId>
    {
        public override DeviceId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => new(reader.GetString()!);

        public override void Write(Utf8JsonWriter writer, DeviceId value, JsonSerializerOptions options) => writer.WriteStringValue(value.Value);
    }

    private sealed class AllocationEpochConverter : JsonConverter<AllocationEpoch>
    {
        public override AllocationEpoch Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => new(reader.GetInt32());

        public override void Write(Utf8JsonWriter writer, AllocationEpoch value, JsonSerializerOptions options) => writer.WriteNumberValue(value.Value);
    }
}
