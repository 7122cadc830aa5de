using System.Diagnostics.CodeAnalysis;

namespace SplitFrozen.Protocol;

/// <summary>How activations are written on the wire. The server chooses for the whole run; the numbers are part of the frame layout.</summary>
[SuppressMessage("Naming", "CA1720", Justification = "int8 and int4 are what the field and the configuration call these codecs")]
public enum ActivationCodec : byte
{
    /// <summary>IEEE 754 single precision: exact, 4 bytes a value.</summary>
    Fp32 = 0,

    /// <summary>The upper half of single precision, rounded to nearest even: 2 bytes a value.</summary>
    Bf16 = 1,

    /// <summary>Eight-bit integers with one scale a token: 1 byte a value and 4 a token.</summary>
    Int8 = 2,

    /// <summary>Four-bit integers with one scale a block of 32 channels: 18 bytes a block.</summary>
    Int4 = 3,
}
