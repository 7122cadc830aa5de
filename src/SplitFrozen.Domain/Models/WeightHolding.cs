namespace SplitFrozen.Domain.Models;

/// <summary>How frozen weights are held in memory. Results are the same, bit for bit.</summary>
public enum WeightHolding
{
    /// <summary>Expanded to float32: ready to be used.</summary>
    Expanded,

    /// <summary>In the number format of the model's files; each matrix is expanded when it is used, in memory that they share.</summary>
    AsStored,
}
