using System.Runtime.InteropServices;
using SplitFrozen.Domain.Models;
using SplitFrozen.Model.Files;
using SplitFrozen.Model.Tests.Support;
using TorchSharp;

namespace SplitFrozen.Model.Tests.Frozen;

/// <summary>Frozen blocks that hold their weights as stored give the bits of those that hold them expanded, in less memory.</summary>
public sealed class AsStoredSpecs
{
    private static readonly int[][] _samples = [[3, 41, 59, 26, 5, 35], [8, 9, 7, 9], [1]];

    public static TheoryData<string, string> Forms()
    {
        var forms = new TheoryData<string, string>();
        foreach (string format in NumberFormat.Supported.Split(", "))
        {
            forms.Add("llama", format);
            forms.Add("gpt2", format);
        }

        return forms;
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void Should_give_the_bits_of_expanded_weights(string family, string format)
    {
        using var folder = new TestFolder();
        string path = Write(folder, family, format);
        using var expanded = HuggingFaceModel.Open(path).LoadFrozen(StoredModels.Layers);
        using var stored = HuggingFaceModel.Open(path).Holding(WeightHolding.AsStored).LoadFrozen(StoredModels.Layers);
        for (int depth = 0; depth <= StoredModels.Layers; depth++)
        {
            float[] expected = Samples.Embed(expanded, _samples, depth);
            Assert.All(expected, value => Assert.True(float.IsFinite(value)));
            AssertBits(expected, Samples.Embed(stored, _samples, depth));
        }

        float[] middle = Samples.Embed(expanded, _samples, 1);
        float[] all = new float[middle.Length];
        stored.Continue(middle, Samples.Lengths(_samples), 1, StoredModels.Layers, all);
        AssertBits(Samples.Embed(expanded, _samples, StoredModels.Layers), all);
    }

    [Theory]
    [InlineData("llama", "Q4_1", 20.0 / 32)]
    [InlineData("llama", "F16", 2.0)]
    [InlineData("llama", "Q6_K", 210.0 / 256)]
    public void Should_count_stored_bytes_and_the_buffer_for_the_largest_matrix(string family, string format, double bytesPerNumber)
    {
        using var folder = new TestFolder();
        var model = HuggingFaceModel.Open(Write(folder, family, format)).Holding(WeightHolding.AsStored);
        using var blocks = model.LoadFrozen(2);
        long table = (long)(StoredModels.Table * bytesPerNumber);
        long block = (long)(StoredModels.LlamaBlock * bytesPerNumber) + (2 * sizeof(float) * StoredModels.Width);
        long buffer = sizeof(float) * StoredModels.Largest;
        Assert.Equal(table + (2 * block) + buffer, blocks.WeightBytes);
        blocks.Resize(3);
        Assert.Equal(table + (3 * block) + buffer, blocks.WeightBytes);
        blocks.Resize(1);
        Assert.Equal(table + block + buffer, blocks.WeightBytes);
        blocks.Resize(0);
        Assert.Equal(table, blocks.WeightBytes);
    }

    [Fact]
    public void Should_hold_float32_as_it_is_without_a_buffer()
    {
        using var folder = new TestFolder();
        string path = Write(folder, "llama", "F32");
        using var expanded = HuggingFaceModel.Open(path).LoadFrozen(2);
        using var stored = HuggingFaceModel.Open(path).Holding(WeightHolding.AsStored).LoadFrozen(2);
        Assert.Equal(expanded.WeightBytes, stored.WeightBytes);
    }

    [Fact]
    public void Should_give_the_same_bits_after_growing_and_shrinking()
    {
        using var folder = new TestFolder();
        var model = HuggingFaceModel.Open(Write(folder, "llama", "Q4_K"));
        using var expanded = model.LoadFrozen(3);
        using var stored = model.Holding(WeightHolding.AsStored).LoadFrozen(0);
        foreach (int blocks in (int[])[1, 3, 2, 0, 3])
        {
            stored.Resize(blocks);
            AssertBits(Samples.Embed(expanded, _samples, blocks), Samples.Embed(stored, _samples, blocks));
        }
    }

    [Fact]
    public void Should_hold_a_safetensors_folder_of_16_bit_numbers_as_stored()
    {
        var model = HuggingFaceModel.Open(Repository.TinyGpt2);
        using var expanded = model.LoadFrozen(8);
        using var stored = model.Holding(WeightHolding.AsStored).LoadFrozen(8);
        AssertBits(Samples.Embed(expanded, _samples, 8), Samples.Embed(stored, _samples, 8));
        Assert.InRange(stored.WeightBytes, expanded.WeightBytes / 2, expanded.WeightBytes * 6 / 10);
    }

    [Fact]
    public void Should_free_all_it_held()
    {
        using var folder = new TestFolder();
        var model = HuggingFaceModel.Open(Write(folder, "llama", "Q8_0")).Holding(WeightHolding.AsStored);
        Use(model);
        long before = Live();
        Use(model);
        Assert.Equal(before, Live());

        static void Use(HuggingFaceModel model)
        {
            using var blocks = model.LoadFrozen(3);
            Samples.Embed(blocks, _samples, 3);
        }

        static long Live() => DisposeScopeManager.Statistics.ThreadTotalLiveCount;
    }

    [Fact]
    public void Should_keep_as_many_tensors_after_many_passes_as_after_few()
    {
        using var folder = new TestFolder();
        using var blocks = HuggingFaceModel.Open(Write(folder, "llama", "Q5_1")).Holding(WeightHolding.AsStored).LoadFrozen(2);
        Samples.Embed(blocks, _samples, 2);
        long few = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        for (int i = 0; i < 50; i++)
        {
            Samples.Embed(blocks, _samples, 2);
        }

        Assert.Equal(few, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    private static string Write(TestFolder folder, string family, string format)
    {
        string path = folder.File("model.gguf");
        if (family == "llama")
        {
            StoredModels.WriteLlama(path, format);
        }
        else
        {
            StoredModels.WriteGpt2(path, format);
        }

        return path;
    }

    private static void AssertBits(float[] expected, float[] actual) =>
        Assert.True(MemoryMarshal.AsBytes(expected.AsSpan()).SequenceEqual(MemoryMarshal.AsBytes(actual.AsSpan())), "The bits differ.");
}
