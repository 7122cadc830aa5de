using System.Globalization;
using System.IO.Hashing;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

using SplitFrozen.Domain.Sampling;
using SplitFrozen.Protocol;

namespace SplitFrozen.Domain.Pipeline;

/// <summary>
/// The ledger as text: a line a record, each a checksum (CRC-32, eight hexadecimal digits), a blank and a JSON object. The first line tells the form's version.
/// </summary>
public static class LedgerText
{
    /// <summary>Version of the form.</summary>
    public const int Version = 1;

    private const int ChecksumDigits = 8;

    /// <summary>The line that a ledger begins with.</summary>
    public static string Header { get; } = Line(new JsonObject { ["ledger"] = Version });

    /// <summary>A record's line, with its line feed.</summary>
    public static string Line(LedgerRecord record) => Line(record switch
    {
        LedgerRecord.Drawn r => new JsonObject
        {
            ["drawn"] = r.Epoch,
            ["devices"] = new JsonArray([.. r.Roster.Select(d => new JsonArray(d.Device.Value, d.Samples))]),
        },
        LedgerRecord.Trained r => new JsonObject
        {
            ["step"] = r.Step,
            ["epoch"] = r.Epoch,
            ["batch"] = r.Batch,
            ["micro"] = Numbers(r.MicroBatches),
            ["devices"] = Numbers(r.Samples.Select(s => s.Device)),
            ["samples"] = Numbers(r.Samples.Select(s => s.Index)),
        },
        LedgerRecord.Removed r => new JsonObject
        {
            [r.PutOff ? "put_off" : "struck"] = r.Device,
            ["epoch"] = r.Epoch,
            ["samples"] = Numbers(r.Samples),
            ["reason"] = r.Reason,
        },
        LedgerRecord.Closed r => new JsonObject { ["closed"] = r.Epoch },
        _ => throw new InvalidOperationException($"{record.GetType().Name} has no text."),
    });

    /// <summary>
    /// Reads a ledger up to the first line that is not whole, such as one that a crash cut off.
    /// </summary>
    public static LedgerReading Read(ReadOnlySpan<byte> text)
    {
        var records = new List<LedgerRecord>();
        var (at, line) = (0, 0);
        while (at < text.Length)
        {
            line++;
            var length = text[at..].IndexOf((byte)'\n');
            if (length < 0)
            {
                return new LedgerReading(records, at, $"line {line} is cut off", IsTail: true);
            }

            if (Parse(text.Slice(at, length), isFirst: line == 1, out var record) is { } fault)
            {
                return new LedgerReading(records, at, $"line {line} {fault}", at + length + 1 == text.Length);
            }

            if (record is not null)
            {
                records.Add(record);
            }

            at += length + 1;
        }

        return new LedgerReading(records, at, null, IsTail: true);
    }

    private static string? Parse(ReadOnlySpan<byte> line, bool isFirst, out LedgerRecord? record)
    {
        record = null;
        if (line.Length <= ChecksumDigits || line[ChecksumDigits] != (byte)' ' || !uint.TryParse(line[..ChecksumDigits], NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var checksum)
            || Crc32.HashToUInt32(line[(ChecksumDigits + 1)..]) != checksum)
        {
            return "does not have its checksum";
        }

        try
        {
            var json = JsonNode.Parse(line[(ChecksumDigits + 1)..])!.AsObject();
            if (isFirst)
            {
                return json["ledger"]?.GetValue<int>() == Version ? null : $"is not that of a ledger of version {Version}";
            }

            record = Record(json);
            return record is null ? "is of no known kind" : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or NullReferenceException)
        {
            return $"is not as it should be: {e.Message}";
        }
    }

    private static LedgerRecord? Record(JsonObject json) =>
        json["drawn"] is { } drawn ? new LedgerRecord.Drawn(
            drawn.GetValue<int>(), [.. json["devices"]!.AsArray().Select(d => new RosterEntry(new DeviceId(d![0]!.GetValue<string>()), d[1]!.GetValue<int>()))])
        : json["step"] is { } step ? new LedgerRecord.Trained(
            step.GetValue<int>(), Number(json, "epoch"), Number(json, "batch"), Numbers(json, "micro"),
            [.. Numbers(json, "devices").Zip(Numbers(json, "samples"), (device, index) => new PlanSample(device, index))])
        : json["struck"] is { } struck ? Removed(json, struck, putOff: false)
        : json["put_off"] is { } putOff ? Removed(json, putOff, putOff: true)
        : json["closed"] is { } closed ? new LedgerRecord.Closed(closed.GetValue<int>())
        : null;

    private static LedgerRecord.Removed Removed(JsonObject json, JsonNode device, bool putOff) =>
        new(Number(json, "epoch"), device.GetValue<int>(), Numbers(json, "samples"), putOff, json["reason"]!.GetValue<string>());

    private static int Number(JsonObject json, string name) => json[name]!.GetValue<int>();

    private static int[] Numbers(JsonObject json, string name) => [.. json[name]!.AsArray().Select(n => n!.GetValue<int>())];

    private static JsonArray Numbers(IEnumerable<int> numbers) => new([.. numbers.Select(n => JsonValue.Create(n))]);

    private static string Line(JsonObject json)
    {
        var text = json.ToJsonString();
        return string.Create(CultureInfo.InvariantCulture, $"{Crc32.HashToUInt32(Encoding.UTF8.GetBytes(text)):x8} {text}\n");
    }
}

/// <summary>A ledger as far as it is whole.</summary>
/// <param name="Records">Its records.</param>
/// <param name="Bytes">Bytes that they and the header take.</param>
/// <param name="Fault">What is wrong with the line after them, or null where there is none.</param>
/// <param name="IsTail">Whether nothing follows that line, as where a crash cut off the last one.</param>
public sealed record LedgerReading(IReadOnlyList<LedgerRecord> Records, long Bytes, string? Fault, bool IsTail);
