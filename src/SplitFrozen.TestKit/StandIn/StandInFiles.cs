using System.Runtime.InteropServices;

using SplitFrozen.Domain;
using SplitFrozen.Domain.Models;

namespace SplitFrozen.TestKit.StandIn;

/// <summary>Files of the stand-in model: its tensors' bytes one after another, in the order of their names.</summary>
internal static class StandInFiles
{
    private const string WeightsFile = "adapter_model.safetensors";

    public static void SaveAdapter(string folder, TrainerSpec spec, IReadOnlyList<TensorData> tensors)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "adapter_config.json"), $$"""{"peft_type": "LORA", "r": {{spec.Lora.Rank}}}""");
        Save(Path.Combine(folder, WeightsFile), tensors);
    }

    public static IReadOnlyList<TensorData> ReadAdapter(string folder) => Read(Path.Combine(folder, WeightsFile));

    /// <summary>Writes tensors; of those that several stages have alike, one.</summary>
    public static void Save(string file, IReadOnlyList<TensorData> tensors)
    {
        var temporary = file + ".tmp";
        using (var writer = new BinaryWriter(File.Create(temporary)))
        {
            foreach (var tensor in tensors.DistinctBy(t => t.Name).OrderBy(t => t.Name, StringComparer.Ordinal))
            {
                writer.Write(tensor.Name);
                writer.Write(tensor.Bytes.Length);
                writer.Write(tensor.Bytes.Span);
            }
        }

        File.Move(temporary, file, overwrite: true);
    }

    public static IReadOnlyList<TensorData> Read(string file)
    {
        using var reader = new BinaryReader(File.Exists(file) ? File.OpenRead(file) : throw new UserErrorException($"{file} is missing."));
        var tensors = new List<TensorData>();
        while (reader.BaseStream.Position < reader.BaseStream.Length)
        {
            var name = reader.ReadString();
            var bytes = reader.ReadBytes(reader.ReadInt32());
            tensors.Add(new TensorData(name, [bytes.Length / sizeof(double)], bytes));
        }

        return tensors;
    }

    /// <summary>The stand-in trains in double precision, and so its tensors' bytes are doubles.</summary>
    public static TensorData Tensor(string name, double[] values) =>
        new(name, [values.Length], MemoryMarshal.AsBytes(values.AsSpan()).ToArray());

    public static void Set(IReadOnlyList<TensorData> tensors, string name, double[] values)
    {
        var tensor = tensors.FirstOrDefault(t => t.Name == name) ?? throw new UserErrorException($"There is no tensor {name}.");
        if (tensor.Bytes.Length != values.Length * sizeof(double))
        {
            throw new UserErrorException($"{name} was written by a stand-in model of other sizes.");
        }

        MemoryMarshal.Cast<byte, double>(tensor.Bytes.Span).CopyTo(values);
    }
}
