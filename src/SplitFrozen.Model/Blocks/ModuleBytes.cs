using static TorchSharp.torch;

namespace SplitFrozen.Model.Blocks;

/// <summary>Memory of modules.</summary>
internal static class ModuleBytes
{
    /// <summary>Bytes of a module's weights: parameters, and what is held as stored.</summary>
    public static long WeightBytes(this nn.Module module) =>
        module.parameters().Sum(parameter => parameter.numel() * parameter.element_size())
        + module.modules().OfType<IHoldsStored>().Distinct().Sum(holder => holder.StoredBytes);
}

/// <summary>A module that may hold its weight as stored, which torch does not count among its parameters.</summary>
internal interface IHoldsStored
{
    /// <summary>Bytes held as stored; 0 where the weight is a parameter.</summary>
    long StoredBytes { get; }
}
