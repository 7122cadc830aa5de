namespace SplitFrozen.Domain.Models;

/// <summary>A tensor outside any library: what of a stage goes to files, to other nodes, or into another stage.</summary>
/// <param name="Name">Name as in the model's parameters.</param>
/// <param name="Shape">Its sizes.</param>
/// <param name="Bytes">Its numbers, row-major and little-endian, float32 (the stand-in model: float64).</param>
public sealed record TensorData(string Name, IReadOnlyList<long> Shape, ReadOnlyMemory<byte> Bytes);
