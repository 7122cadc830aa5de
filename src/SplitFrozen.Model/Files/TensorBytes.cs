using SplitFrozen.Domain.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace SplitFrozen.Model.Files;

/// <summary>Tensors as bytes and back.</summary>
internal static class TensorBytes
{
    /// <summary>A copy of a float32 tensor's numbers.</summary>
    public static TensorData Of(string name, Tensor tensor)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        return new TensorData(name, tensor.shape, tensor.detach().cpu().contiguous().bytes.ToArray());
    }

    /// <summary>All tensors of a file, converted to float32.</summary>
    public static IReadOnlyList<TensorData> Of(SafetensorsFile file)
    {
        using var scope = NewDisposeScope();
        return [.. file.Entries.Values.Select(entry => Of(entry.Name, file.Read(entry)))];
    }

    /// <summary>A new tensor in the CPU's memory; it belongs to the open dispose scope.</summary>
    /// <exception cref="ArgumentException">There are more or fewer bytes than the shape calls for.</exception>
    public static Tensor ToTensor(TensorData data)
    {
        long bytes = data.Shape.Aggregate((long)sizeof(float), (product, size) => checked(product * size));
        if (bytes != data.Bytes.Length)
        {
            throw new ArgumentException($"'{data.Name}' has {data.Bytes.Length} bytes, but its shape calls for {bytes}.", nameof(data));
        }

        var tensor = torch.empty([.. data.Shape], ScalarType.Float32);
        data.Bytes.Span.CopyTo(tensor.bytes);
        return tensor;
    }

    /// <summary>The tensors of several stages by name; what all stages have alike is taken once.</summary>
    /// <exception cref="ArgumentException">Two tensors of one name differ.</exception>
    public static IReadOnlyList<TensorData> Distinct(IReadOnlyList<TensorData> tensors) =>
        [.. tensors.GroupBy(tensor => tensor.Name, StringComparer.Ordinal).Select(same =>
            same.All(other => other.Bytes.Span.SequenceEqual(same.First().Bytes.Span))
                ? same.First()
                : throw new ArgumentException($"Stages differ in '{same.Key}'.", nameof(tensors)))];
}
