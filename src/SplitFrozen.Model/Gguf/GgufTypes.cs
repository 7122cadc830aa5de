namespace SplitFrozen.Model.Gguf;

/// <summary>
/// Numbers that GGUF files use for types (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md and ggml.h's enum ggml_type).
/// </summary>
internal static class GgufTypes
{
    private static readonly Dictionary<uint, string> _tensorTypes = new()
    {
        [0] = "F32",
        [1] = "F16",
        [2] = "Q4_0",
        [3] = "Q4_1",
        [6] = "Q5_0",
        [7] = "Q5_1",
        [8] = "Q8_0",
        [9] = "Q8_1",
        [10] = "Q2_K",
        [11] = "Q3_K",
        [12] = "Q4_K",
        [13] = "Q5_K",
        [14] = "Q6_K",
        [15] = "Q8_K",
        [16] = "IQ2_XXS",
        [17] = "IQ2_XS",
        [18] = "IQ3_XXS",
        [19] = "IQ1_S",
        [20] = "IQ4_NL",
        [21] = "IQ3_S",
        [22] = "IQ2_S",
        [23] = "IQ4_XS",
        [24] = "I8",
        [25] = "I16",
        [26] = "I32",
        [27] = "I64",
        [28] = "F64",
        [29] = "IQ1_M",
        [30] = "BF16",
        [34] = "TQ1_0",
        [35] = "TQ2_0",
        [39] = "MXFP4",
    };

    /// <summary>Name of a tensor type, such as Q4_1; of one that is not known its number.</summary>
    public static string TensorType(uint number) => _tensorTypes.GetValueOrDefault(number) ?? $"type {number}";

    /// <summary>Number of a tensor type by its name.</summary>
    public static uint TensorType(string name) => _tensorTypes.First(type => type.Value == name).Key;
}

/// <summary>Types of metadata values.</summary>
internal enum GgufValueType : uint
{
    /// <summary>Unsigned byte.</summary>
    UInt8 = 0,

    /// <summary>Signed byte.</summary>
    Int8 = 1,

    /// <summary>Unsigned, two bytes.</summary>
    UInt16 = 2,

    /// <summary>Signed, two bytes.</summary>
    Int16 = 3,

    /// <summary>Unsigned, four bytes.</summary>
    UInt32 = 4,

    /// <summary>Signed, four bytes.</summary>
    Int32 = 5,

    /// <summary>Float, four bytes.</summary>
    Float32 = 6,

    /// <summary>A byte that is 0 or 1.</summary>
    Bool = 7,

    /// <summary>Eight bytes of length, then UTF-8.</summary>
    Text = 8,

    /// <summary>Type and number of the items, then the items.</summary>
    Array = 9,

    /// <summary>Unsigned, eight bytes.</summary>
    UInt64 = 10,

    /// <summary>Signed, eight bytes.</summary>
    Int64 = 11,

    /// <summary>Float, eight bytes.</summary>
    Float64 = 12,
}
