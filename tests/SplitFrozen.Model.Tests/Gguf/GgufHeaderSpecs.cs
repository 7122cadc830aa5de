using System.Buffers.Binary;
using System.Text;
using SplitFrozen.Domain;
using SplitFrozen.Model.Gguf;

namespace SplitFrozen.Model.Tests.Gguf;

/// <summary>Headers that are damaged, cut off or lie.</summary>
public sealed class GgufHeaderSpecs
{
    private const int VersionAt = 4;
    private const int TensorsAt = 8;
    private const int KeysAt = 16;
    private const int FirstKeyAt = 24;

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void Should_read_versions_2_and_3(int version)
    {
        byte[] file = Small();
        file[VersionAt] = (byte)version;
        var header = Read(file);
        Assert.Equal("llama", header.Metadata.Text("general.architecture"));
        Assert.Equal([2, 32], header.Entries["a.weight"].Shape);
        Assert.Equal(0, header.DataStart % 32);
    }

    [Fact]
    public void Should_read_every_type_of_value()
    {
        var writer = new GgufWriter("llama").Add("u32", 7u).Add("u64", ulong.MaxValue).Add("f32", 0.1f).Add("flag", true).Add("text", "Ġ")
            .Add("texts", new[] { "a", "" }).Add("floats", new[] { 1f, 2f }).Add("ints", new[] { -1, 2 });
        var metadata = Read(writer.Tensor("a.weight", new float[32], 32).ToBytes()).Metadata;
        Assert.Equal((7L, 0.1, true, "Ġ"), (metadata.Integer("u32"), metadata.Number("f32"), metadata.Flag("flag"), metadata.Text("text")));
        Assert.Equal(["a", ""], metadata.Texts("texts")!);
        Assert.Equal([1f, 2f], metadata.Floats("floats")!);
        Assert.Equal([-1L, 2L], metadata.Integers("ints")!);
        Assert.Contains("u64 must be a whole number", Assert.Throws<UserErrorException>(() => metadata.Integer("u64")).Message, StringComparison.Ordinal);
        Assert.Null(metadata.Text("absent"));
    }

    [Theory]
    [InlineData(0x03000000u, "big-endian")]
    [InlineData(1u, "version 1")]
    [InlineData(4u, "version 4")]
    public void Should_refuse_other_versions(uint version, string complaint)
    {
        byte[] file = Small();
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(VersionAt), version);
        AssertRefused(file, complaint);
    }

    [Fact]
    public void Should_refuse_what_is_no_gguf() => AssertRefused(Encoding.ASCII.GetBytes("GGML and more that is long enough"), "letters GGUF");

    [Theory]
    [InlineData(TensorsAt, ulong.MaxValue, "number of tensors")]
    [InlineData(TensorsAt, 1UL << 40, "number of tensors")]
    [InlineData(KeysAt, 1UL << 62, "number of metadata keys")]
    [InlineData(FirstKeyAt, 1UL << 33, "length of metadata key 0")]
    public void Should_not_believe_counts_and_lengths(int at, ulong lie, string complaint)
    {
        byte[] file = Small();
        BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(at), lie);
        long before = GC.GetAllocatedBytesForCurrentThread();
        AssertRefused(file, complaint);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Theory]
    [InlineData("shape", ulong.MaxValue, "dimension of size")]
    [InlineData("shape", 0UL, "dimension of size")]
    [InlineData("shape", 1UL << 62, "claims")]
    [InlineData("columns", 33UL, "claims")]
    [InlineData("offset", 8UL, "multiple of the alignment")]
    [InlineData("offset", 1UL << 40, "claims")]
    [InlineData("offset", ulong.MaxValue, "claims to begin")]
    public void Should_not_believe_sizes_and_offsets(string field, ulong lie, string complaint)
    {
        byte[] file = new GgufWriter("llama").Tensor("a.weight", new float[64], 2, 32).ToBytes();
        int dimensions = file.AsSpan().IndexOf("a.weight"u8) + "a.weight".Length;
        int at = dimensions + field switch { "columns" => 4, "shape" => 12, _ => 24 };
        BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(at), lie);
        AssertRefused(file, complaint);
    }

    [Fact]
    public void Should_refuse_rows_that_do_not_fill_blocks() =>
        AssertRefused(new GgufWriter("llama").Tensor("a.weight", "Q4_0", new byte[40], 2, 48).ToBytes(), "do not fill");

    [Fact]
    public void Should_refuse_tensors_that_overlap()
    {
        byte[] file = new GgufWriter("llama").Tensor("a.weight", new float[64], 64).Tensor("b.weight", new float[64], 64).ToBytes();
        int at = file.AsSpan().IndexOf("b.weight"u8) + "b.weight".Length + 16;
        BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(at), 32);
        AssertRefused(file, "overlap");
    }

    [Fact]
    public void Should_refuse_names_that_are_there_twice()
    {
        AssertRefused(new GgufWriter("llama").Tensor("a.weight", new float[8], 8).Tensor("a.weight", new float[8], 8).ToBytes(), "listed twice");
        AssertRefused(new GgufWriter("llama").Add("k", 1u).Add("k", 1u).ToBytes(), "there twice");
    }

    [Fact]
    public void Should_name_a_type_that_cannot_be_read()
    {
        byte[] file = new GgufWriter("llama").Tensor("a.weight", new float[64], 64).ToBytes();
        file[file.AsSpan().IndexOf("a.weight"u8) + "a.weight".Length + 12] = 11;
        AssertRefused(file, "Q3_K");
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(12u)]
    [InlineData(1u << 31)]
    public void Should_refuse_an_alignment_that_cannot_be(uint alignment)
    {
        byte[] file = Small();
        int at = file.AsSpan().IndexOf("general.alignment"u8) + "general.alignment".Length + 4;
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(at), alignment);
        AssertRefused(file, "general.alignment");
    }

    [Fact]
    public void Should_refuse_lists_that_are_nested_without_end()
    {
        using var memory = new MemoryStream();
        using var writer = new BinaryWriter(memory);
        writer.Write(new GgufWriter("x").Add("k", "v").ToBytes().AsSpan(0, FirstKeyAt));
        memory.Position = KeysAt;
        writer.Write(1UL);
        writer.Write(1UL);
        writer.Write((byte)'k');
        for (int depth = 0; depth < 100_000; depth++)
        {
            writer.Write((uint)GgufValueType.Array);
            if (depth > 0)
            {
                writer.Write(1UL);
            }
        }

        AssertRefused(memory.ToArray(), "k");
    }

    [Fact]
    public void Should_refuse_every_file_that_is_cut_off()
    {
        byte[] file = Small();
        long dataEnd = Read(file).Entries.Values.Max(entry => entry.Offset + entry.Bytes);
        for (int length = 0; length < dataEnd; length++)
        {
            byte[] part = file[..length];
            Assert.Throws<UserErrorException>(() => Read(part));
        }
    }

    [Fact]
    public void Should_refuse_or_read_thousands_of_mutated_files_within_bounded_memory()
    {
        const int files = 6000;
        const int seed = 20261125;
        byte[] whole = Small();
        int header = (int)Read(whole).DataStart;
        var random = new Random(seed);
        int refused = 0;
        for (int i = 0; i < files; i++)
        {
            byte[] mutated = Mutate(whole, header, random);
            long before = GC.GetAllocatedBytesForCurrentThread();
            refused += IsRefused(mutated, i) ? 1 : 0;
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
        }

        Assert.InRange(refused, files / 4, files);

        bool IsRefused(byte[] file, int number)
        {
            try
            {
                Open(file);
                return false;
            }
            catch (UserErrorException)
            {
                return true;
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"File {number} of seed {seed} gave {e.GetType().Name} instead of an error for the user.", e);
            }
        }
    }

    /// <summary>Header, configuration and tokenizer: all that is read by the file's word before weights are.</summary>
    private static void Open(byte[] file)
    {
        var gguf = GgufFile.Read(new MemoryStream(file), "small.gguf");
        GgufConfig.Read(gguf);
        GgufTokenizer.Open(gguf);
    }

    private static byte[] Mutate(byte[] whole, int header, Random random)
    {
        byte[] file = [.. whole];
        for (int changes = random.Next(1, 4); changes > 0; changes--)
        {
            int at = random.Next(header);
            switch (random.Next(5))
            {
                case 0:
                    file[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    file[at] = (byte)random.Next(256);
                    break;
                case 2:
                    ulong[] lies = [0, 1, 255, int.MaxValue, uint.MaxValue, long.MaxValue, ulong.MaxValue, 1UL << random.Next(64)];
                    at = Math.Min(at, file.Length - sizeof(ulong));
                    BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(at), lies[random.Next(lies.Length)]);
                    break;
                case 3:
                    int length = random.Next(1, 16);
                    file = [.. file[..at], .. file[Math.Min(at + length, file.Length)..]];
                    break;
                default:
                    file = [.. file[..at], .. file[random.Next(header)..]];
                    break;
            }

            header = Math.Min(header, file.Length);
        }

        return file;
    }

    private static void AssertRefused(byte[] file, string complaint)
    {
        string message = Assert.Throws<UserErrorException>(() => Read(file)).Message;
        Assert.Contains(complaint, message, StringComparison.Ordinal);
        Assert.Contains("small.gguf", message, StringComparison.Ordinal);
    }

    private static GgufHeader Read(byte[] file) => GgufHeader.Read(new MemoryStream(file), "small.gguf");

    /// <summary>A small file with all that a model's file has.</summary>
    private static byte[] Small() => new GgufWriter("llama")
        .Add("llama.embedding_length", 32u)
        .Add("llama.block_count", 1u)
        .Add("llama.attention.head_count", 2u)
        .Add("llama.feed_forward_length", 64u)
        .Add("llama.context_length", 16u)
        .Add("llama.attention.layer_norm_rms_epsilon", 1e-5f)
        .Add("tokenizer.ggml.model", "llama")
        .Add("tokenizer.ggml.tokens", new[] { "<unk>", "a", "b", "ab", "\u2581" })
        .Add("tokenizer.ggml.scores", new[] { 0f, -2f, -3f, -1f, -4f })
        .Add("tokenizer.ggml.token_type", new[] { 2, 1, 1, 1, 1 })
        .Add("tokenizer.ggml.unknown_token_id", 0u)
        .Tensor("token_embd.weight", new float[5 * 32], 5, 32)
        .Tensor("a.weight", "Q8_0", new byte[2 * 34], 2, 32)
        .ToBytes();
}
