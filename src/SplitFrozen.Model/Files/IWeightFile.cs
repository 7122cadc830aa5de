namespace SplitFrozen.Model.Files;

/// <summary>A file of tensors whose header was read and checked.</summary>
internal interface IWeightFile
{
    /// <summary>Where the file lies.</summary>
    string Path { get; }

    /// <summary>The first byte of the data; what stands before is the header.</summary>
    long DataStart { get; }

    /// <summary>Its tensors by name.</summary>
    IReadOnlyDictionary<string, TensorEntry> Entries { get; }
}
