using static TorchSharp.torch;

namespace SplitFrozen.Model.Training;

/// <summary>A trainable tensor and its gradient, views into the flat memory of a <see cref="TrainableSet"/>.</summary>
/// <param name="Name">Name as in a model's parameters.</param>
/// <param name="Value">The numbers.</param>
/// <param name="Gradient">The gradient of the sum of losses so far.</param>
internal sealed record Trainable(string Name, Tensor Value, Tensor Gradient);
