using SplitFrozen.Model.Files;
using SplitFrozen.Model.Tests.Support;

namespace SplitFrozen.Model.Tests.Gguf;

/// <summary>Expansion of stored numbers against the reference.</summary>
public sealed class BlockSpecs
{
    public static TheoryData<string> Formats => [.. Names];

    private static IEnumerable<string> Names => Json.Read(Repository.Fixture("gguf_blocks.json")).GetProperty("types").EnumerateObject().Select(type => type.Name);

    [Fact]
    public void Should_have_a_reference_for_every_format_but_float32() =>
        Assert.Equal(NumberFormat.Supported.Split(", ").Except(["F32"]).Order(), Names.Order());

    [Theory]
    [MemberData(nameof(Formats))]
    public void Should_expand_blocks_to_the_bits_of_the_reference(string name)
    {
        var golden = Json.Read(Repository.Fixture("gguf_blocks.json")).GetProperty("types").GetProperty(name);
        byte[] stored = golden.GetProperty("bytes_base64").GetBytesFromBase64();
        float[] expected = [.. golden.GetProperty("values").EnumerateArray().Select(value => value.GetSingle())];
        var format = NumberFormat.Find(name)!;
        float[] found = new float[expected.Length];

        // Blocks of 18 bytes and the like are not aligned in files: neither are they here.
        byte[] shifted = [0, .. stored];
        Expansion.Run(format, shifted.AsSpan(1), found);

        Assert.Equal(stored.Length, format.Bytes(expected.Length));
        Assert.Equal(expected, found);
    }
}
