using System.Text.Json;

using SplitFrozen.Domain;

namespace SplitFrozen.Model.Tokenizers;

/// <summary>A value in a JSON file that knows where it stands, so that errors can name file and place.</summary>
internal readonly record struct JsonView(JsonElement Element, string File, string Place)
{
    private const string Whole = "the document";

    // Bounds the table from ids to tokens that a lying file could ask for; the largest published vocabularies have some 260,000.
    private const int Maximum = 1 << 24;

    /// <summary>Reads a file; an unreadable or malformed one is a <see cref="UserErrorException"/>.</summary>
    public static JsonView Read(string file)
    {
        try
        {
            using var stream = System.IO.File.OpenRead(file);
            using var document = JsonDocument.Parse(stream);
            return new JsonView(document.RootElement.Clone(), file, Whole);
        }
        catch (JsonException exception)
        {
            throw new UserErrorException(
                $"{file} is not valid JSON (line {exception.LineNumber + 1}). Copy the file again from its source.", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"{file} cannot be read: {exception.Message} Check that it exists and may be read.", exception);
        }
    }

    /// <summary>The member of that name, or null where it is missing or null.</summary>
    public JsonView? Optional(string name)
    {
        Require(JsonValueKind.Object, "an object");
        return Element.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null
            ? new JsonView(value, File, Place == Whole ? name : $"{Place}.{name}")
            : null;
    }

    /// <summary>The member of that name.</summary>
    public JsonView Required(string name) => Optional(name) ?? throw Error($"has no \"{name}\"");

    /// <summary>The items of an array.</summary>
    public IEnumerable<JsonView> Items()
    {
        Require(JsonValueKind.Array, "an array");
        var view = this;
        return Element.EnumerateArray().Select((item, index) => new JsonView(item, view.File, $"{view.Place}[{index}]"));
    }

    /// <summary>The members of an object, in file order.</summary>
    public IEnumerable<(string Name, JsonView Value)> Members()
    {
        Require(JsonValueKind.Object, "an object");
        var view = this;
        return Element.EnumerateObject().Select(member => (member.Name, new JsonView(member.Value, view.File, $"{view.Place}.{member.Name}")));
    }

    /// <summary>The text of a string.</summary>
    public string Text()
    {
        Require(JsonValueKind.String, "a string");
        try
        {
            return Element.GetString()!;
        }
        catch (InvalidOperationException exception)
        {
            throw new UserErrorException(Error("holds half a surrogate pair").Message, exception);
        }
    }

    /// <summary>A token id or a count: an integer that is not negative.</summary>
    public int Integer() =>
        Element.ValueKind == JsonValueKind.Number && Element.TryGetInt32(out var value) && value is >= 0 and < Maximum
            ? value
            : throw Error($"should be an integer from 0 to {Maximum - 1}, but is {Element.GetRawText()}");

    /// <summary>A truth value, or <paramref name="otherwise"/> where the member is missing or null.</summary>
    public bool Flag(string name, bool otherwise) => Optional(name) is not { } value
        ? otherwise
        : value.Element.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => throw value.Error("should be true or false"),
        };

    /// <summary>An error at this place.</summary>
    public UserErrorException Error(string what) => new($"{File}: {Place} {what}. Use the file as it was published with the model.");

    private void Require(JsonValueKind kind, string what)
    {
        if (Element.ValueKind != kind)
        {
            throw Error($"should be {what}, but is of kind {Element.ValueKind}");
        }
    }
}
